/** Size, quality and format of results: one set of controls, in whichever sheet is open. */

import type { App } from "../app/app";
import type { Writing } from "../app/upscale";
import { block, byId } from "../dom";
import { t } from "../i18n";
import { CANVAS_MEGAPIXELS, fits, OUTPUT_FORMATS, type OutputFormat } from "../imaging/output";
import { recall, remember } from "../preferences";
import type { Size } from "../view/view";
import { attachKeepChoice } from "./keep-choice";
import { attachModelChoice } from "./model-choice";

export class OutputChoices {
  private readonly quality = byId("quality", HTMLInputElement);

  constructor(private readonly app: App) {
    attachModelChoice(app, "save-choices");
    attachKeepChoice(app);
    this.quality.addEventListener("input", () => app.chose());
    for (const input of this.inputs) {
      input.addEventListener("change", () => {
        remember("format", input.value);
        app.chose();
      });
    }
  }

  get chosen(): Writing {
    const input = this.inputs.find(({ checked, disabled }) => checked && !disabled);
    const format = (input?.value as OutputFormat | undefined) ?? "png";
    return { format, quality: Number(this.quality.value) / 100, keep: this.app.keep };
  }

  /** Puts them into a sheet that opens. */
  placeIn(slot: HTMLElement): void {
    slot.append(block("save-choices"));
    const remembered = OUTPUT_FORMATS.find((format) => format === recall("format"));
    for (const input of this.inputs) {
      if (remembered && !this.app.job.isAtRisk) input.checked = input.value === remembered;
    }
    this.app.changed();
  }

  /** Shows them, if they are here: for a result of this size, or of any. */
  show(slot: HTMLElement, size: Size | null): void {
    if (!slot.contains(block("save-choices"))) return;
    const isFit = (format: OutputFormat): boolean => !size || fits(format, size.width, size.height);
    for (const input of this.inputs) {
      input.disabled = this.app.isBusy || !isFit(input.value as OutputFormat);
    }
    const note = block("format-note");
    note.hidden = OUTPUT_FORMATS.every(isFit);
    note.textContent = t("formatTooLarge", { megapixels: CANVAS_MEGAPIXELS });
    block("quality-row").hidden = this.chosen.format === "png";
    this.quality.disabled = this.app.isBusy;
    byId("quality-value", HTMLOutputElement).value = this.quality.value;
  }

  private get inputs(): HTMLInputElement[] {
    return [...document.querySelectorAll<HTMLInputElement>("[name=format]")];
  }
}
