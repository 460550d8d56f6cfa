/** The sheet that enlarges the whole photo and offers the result. */

import type { App } from "../app/app";
import { lossesOf } from "../app/keep";
import type { Photo } from "../app/photo";
import { block, button, byId, onClick } from "../dom";
import type { Choice } from "../engine/restore";
import { duration, fileSize, number, onLanguage, percent, t } from "../i18n";
import { CANVAS_MEGAPIXELS, fits, OUTPUT_FORMATS, type OutputFormat } from "../imaging/output";
import { recall, remember } from "../preferences";
import { Sheet } from "./dialogs";
import { ResultLink } from "./job-chip";
import { attachKeepChoice } from "./keep-choice";
import { lossesText } from "./losses";
import { attachModelChoice, timeText } from "./model-choice";
import { cleanedText } from "./names";
import { showInfo } from "./toast";

export function attachSaving(app: App): void {
  attachModelChoice(app, "save-choices");
  attachKeepChoice(app);
  new SaveSheet(app);
}

class SaveSheet {
  private readonly sheet = new Sheet("save");
  private readonly download = byId("download", HTMLAnchorElement);
  private readonly link = new ResultLink(this.download);
  private readonly quality = byId("quality", HTMLInputElement);

  constructor(private readonly app: App) {
    onClick("upscale-all", () => this.open());
    onClick("upscale-start", () => void this.start());
    onClick("cancel", () => this.cancel());
    this.download.addEventListener("click", () => app.job.downloaded());
    this.quality.addEventListener("input", () => app.chose());
    for (const input of this.inputs) {
      input.addEventListener("change", () => {
        remember("format", input.value);
        app.chose();
      });
    }
    app.onChange(() => this.show());
    onLanguage(() => this.show());
  }

  private get inputs(): HTMLInputElement[] {
    return [...document.querySelectorAll<HTMLInputElement>("[name=format]")];
  }

  private get format(): OutputFormat {
    const chosen = this.inputs.find(({ checked, disabled }) => checked && !disabled);
    return (chosen?.value as OutputFormat | undefined) ?? "png";
  }

  private get share(): number {
    return Number(this.quality.value) / 100;
  }

  private open(): void {
    const remembered = OUTPUT_FORMATS.find((format) => format === recall("format"));
    for (const input of this.inputs) {
      if (remembered && !this.app.job.isAtRisk) input.checked = input.value === remembered;
    }
    this.show();
    this.sheet.open();
  }

  private async start(): Promise<void> {
    await this.app.upscale(this.format, this.share);
    if (!this.download.hidden && this.sheet.isOpen) this.download.focus();
  }

  private cancel(): void {
    this.app.cancelJob();
    showInfo("cancelled");
  }

  private show(): void {
    const { app } = this;
    const { photo } = app.viewer;
    button("upscale-all").disabled = !app.engine || !photo;
    if (photo && app.network) this.showChoices(photo, app.network);
    this.showProgress();
    this.offer();
  }

  private showChoices(photo: Photo, network: Choice): void {
    const { scale } = network.model;
    const size = { width: photo.width * scale, height: photo.height * scale };
    this.showFormats(size.width, size.height);
    const [width, height] = [number(size.width), number(size.height)];
    block("save-size").textContent = t("saveSize", { width, height });
    block("save-cleaned").textContent = cleanedText(network);
    block("save-time").textContent = timeText(this.app);
    const { format } = this;
    block("save-losses").textContent = lossesText(lossesOf({ photo, format, keep: this.app.keep }));
  }

  private showFormats(width: number, height: number): void {
    for (const input of this.inputs) {
      const tooLarge = !fits(input.value as OutputFormat, width, height);
      input.disabled = this.app.job.running || tooLarge;
    }
    const note = block("format-note");
    note.hidden = OUTPUT_FORMATS.every((format) => fits(format, width, height));
    note.textContent = t("formatTooLarge", { megapixels: CANVAS_MEGAPIXELS });
    block("quality-row").hidden = this.format === "png";
    this.quality.disabled = this.app.job.running;
    byId("quality-value", HTMLOutputElement).value = this.quality.value;
  }

  private showProgress(): void {
    const { progress } = this.app.job;
    block("save-progress").hidden = !progress;
    if (!progress) return;
    const { share, secondsLeft } = progress;
    block("progress").ariaValueNow = String(Math.floor(share * 100));
    block("progress-fill").style.transform = `scaleX(${share})`;
    const words = { percent: percent(share), time: duration(secondsLeft) };
    block("progress-text").textContent = t("progressText", words);
  }

  /** Shows the one of start, cancel and download that is to be done next. */
  private offer(): void {
    const { job } = this.app;
    const result = this.app.hasResult(this.format, this.share) ? job.result : null;
    button("cancel").hidden = !job.running;
    button("upscale-start").hidden = job.running || result !== null;
    this.download.hidden = job.running || result === null;
    this.link.offer(result);
    if (!result) return;
    this.download.textContent = `${t("downloadIt")} (${fileSize(result.blob.size)})`;
  }
}
