/** The dialog that enlarges the whole photo and offers the result. */

import type { App } from "../app";
import { block, button, byId, onClick } from "../dom";
import { duration, fileSize, number, onLanguage, percent, t } from "../i18n";
import {
  CANVAS_MEGAPIXELS,
  fits,
  OUTPUT_FORMATS,
  type OutputFormat,
  outputName,
} from "../imaging/output";
import { recall, remember } from "../preferences";
import type { Choice } from "../restore";
import type { Size } from "../view";
import { attachDialog } from "./dialogs";
import { cleanedText, modelName } from "./names";
import { announce, showInfo } from "./toast";

export function attachSaving(app: App): void {
  new SaveDialog(app);
}

class SaveDialog {
  private readonly dialog = attachDialog("save");
  private readonly download = byId("download", HTMLAnchorElement);
  private readonly quality = byId("quality", HTMLInputElement);
  private offered: Blob | null = null;
  private begun = 0;

  constructor(private readonly app: App) {
    onClick("upscale-all", () => this.open());
    onClick("upscale-start", () => void this.start());
    onClick("cancel", () => this.cancel());
    this.quality.addEventListener("input", () => this.choose());
    for (const input of this.inputs) {
      input.addEventListener("change", () => {
        remember("format", input.value);
        this.choose();
      });
    }
    app.onChange(() => this.show());
    onLanguage(() => this.show());
  }

  /** Another format or quality: what was made before is of the old ones. */
  private choose(): void {
    this.app.dropResult();
    this.show();
  }

  private get inputs(): HTMLInputElement[] {
    return [...document.querySelectorAll<HTMLInputElement>("[name=format]")];
  }

  private get format(): OutputFormat {
    const chosen = this.inputs.find(({ checked, disabled }) => checked && !disabled);
    return (chosen?.value as OutputFormat | undefined) ?? "png";
  }

  private open(): void {
    const remembered = OUTPUT_FORMATS.find((format) => format === recall("format"));
    for (const input of this.inputs) {
      if (remembered && !this.offered) input.checked = input.value === remembered;
    }
    this.show();
    this.dialog.showModal();
  }

  private async start(): Promise<void> {
    this.begun = performance.now();
    this.progress(0);
    await this.app.upscale(this.format, Number(this.quality.value) / 100, (share) =>
      this.progress(share),
    );
    const { result } = this.app;
    if (result) announce("finished", { size: fileSize(result.blob.size) });
    if (result && this.dialog.open) this.download.focus();
  }

  private cancel(): void {
    this.app.cancelUpscaling();
    showInfo("cancelled");
  }

  private progress(share: number): void {
    const bar = block("progress");
    const shown = Math.floor(share * 100);
    bar.ariaValueNow = String(shown);
    block("progress-fill").style.transform = `scaleX(${share})`;
    const left = ((performance.now() - this.begun) / 1000) * (1 / share - 1);
    block("progress-text").textContent =
      share > 0
        ? t("progressText", { percent: percent(share), time: duration(left) })
        : t("progressFirst");
  }

  private show(): void {
    const { app } = this;
    const { photo } = app.viewer;
    button("upscale-all").disabled = !app.engine || !photo;
    if (photo && app.network) this.showSize(photo, app.network);
    this.offer();
  }

  private showSize(photo: Size, network: Choice): void {
    const { model } = network;
    const size = { width: photo.width * model.scale, height: photo.height * model.scale };
    this.showChoices(size.width, size.height);
    block("save-size").textContent = t("saveSize", {
      width: number(size.width),
      height: number(size.height),
      network: modelName(model),
    });
    block("save-cleaned").textContent = cleanedText(network);
    const milliseconds = (this.app.engine?.msPerPixel(model) ?? 0) * photo.width * photo.height;
    block("save-time").textContent = t("saveTime", { time: duration(milliseconds / 1000) });
  }

  private showChoices(width: number, height: number): void {
    for (const input of this.inputs) {
      input.disabled = this.app.upscaling || !fits(input.value as OutputFormat, width, height);
    }
    const note = block("format-note");
    note.hidden = OUTPUT_FORMATS.every((format) => fits(format, width, height));
    note.textContent = t("formatTooLarge", { megapixels: CANVAS_MEGAPIXELS });
    this.quality.disabled = this.format === "png";
    byId("quality-value", HTMLOutputElement).value =
      this.format === "png" ? "–" : this.quality.value;
  }

  /** Shows the one of start, cancel and download that is to be done next. */
  private offer(): void {
    const { upscaling, result } = this.app;
    block("save-progress").hidden = !upscaling;
    button("cancel").hidden = !upscaling;
    button("upscale-start").hidden = upscaling || result !== null;
    this.download.hidden = result === null;
    if (result?.blob === this.offered) return;
    if (this.offered) URL.revokeObjectURL(this.download.href);
    this.offered = result?.blob ?? null;
    const { photo } = this.app.viewer;
    if (!result || !photo) return;
    const name = outputName(photo.name, result.model.scale, result.format);
    this.download.href = URL.createObjectURL(result.blob);
    this.download.download = name;
    this.download.textContent = `${t("download", { name })} (${fileSize(result.blob.size)})`;
  }
}
