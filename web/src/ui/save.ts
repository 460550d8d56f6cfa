/** The sheet that enlarges the photo, or what is in view, and offers the result. */

import type { App } from "../app/app";
import { lossesOf } from "../app/keep";
import type { Plan } from "../app/plan";
import { block, button, byId, onClick } from "../dom";
import { duration, fileSize, number, onLanguage, percent, t } from "../i18n";
import { Sheet } from "./dialogs";
import { attachHandover } from "./handover";
import { ResultLink } from "./job-chip";
import { lossesText } from "./losses";
import { planned, timeText } from "./model-choice";
import { cleanedText } from "./names";
import type { OutputChoices } from "./output-choices";
import { showInfo } from "./toast";

export function attachSaving(app: App, choices: OutputChoices): void {
  new SaveSheet(app, choices);
}

class SaveSheet {
  private readonly sheet = new Sheet("save");
  private readonly slot = block("save-slot");
  private readonly download = byId("download", HTMLAnchorElement);
  private readonly link = new ResultLink(this.download);
  private readonly handover;

  constructor(
    private readonly app: App,
    private readonly choices: OutputChoices,
  ) {
    this.handover = attachHandover(app);
    onClick("upscale-all", () => this.open());
    onClick("upscale-start", () => void this.start());
    onClick("cancel", () => this.cancel());
    this.download.addEventListener("click", () => app.job.downloaded());
    for (const input of this.parts) {
      input.addEventListener("change", () => app.enlargeInView(input.value === "view"));
    }
    app.onChange(() => this.show());
    onLanguage(() => this.show());
  }

  private get parts(): NodeListOf<HTMLInputElement> {
    return document.querySelectorAll<HTMLInputElement>("[name=part]");
  }

  private open(): void {
    this.choices.placeIn(this.slot);
    this.sheet.open();
  }

  private async start(): Promise<void> {
    await this.app.upscale(this.choices.chosen);
    if (!this.download.hidden && this.sheet.isOpen) this.download.focus();
  }

  private cancel(): void {
    this.app.cancelJob();
    showInfo("cancelled");
  }

  private show(): void {
    const { app } = this;
    button("upscale-all").disabled = !app.engine || !app.viewer.photo;
    const { plan, problem } = planned(app);
    this.showPart();
    this.choices.show(this.slot, plan?.size ?? null);
    this.showPlan(plan, problem);
    this.showProgress();
    this.offer(plan);
  }

  /** The choice of a part, where there is one. */
  private showPart(): void {
    const { viewer, part, isBusy } = this.app;
    const picker = byId("part-picker", HTMLFieldSetElement);
    picker.hidden = viewer.isWhole;
    picker.disabled = isBusy;
    for (const input of this.parts) input.checked = (input.value === "view") === (part !== null);
  }

  private showPlan(plan: Plan | null, problem: string): void {
    const { photo } = this.app.viewer;
    const size = plan && { width: number(plan.size.width), height: number(plan.size.height) };
    block("save-size").textContent = size ? t("saveSize", size) : problem;
    block("save-size").toggleAttribute("data-problem", problem !== "");
    block("save-cleaned").textContent = plan ? cleanedText(plan.network) : "";
    const other = this.app.queue.isRunning ? t("queueBusy") : "";
    block("save-time").textContent = other || (plan ? timeText(this.app) : "");
    const lost = photo ? lossesOf({ photo, ...this.choices.chosen }) : [];
    block("save-losses").textContent = lossesText(lost);
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
  private offer(plan: Plan | null): void {
    const { job, isBusy } = this.app;
    const isThere = plan !== null && this.app.hasResult(plan, this.choices.chosen);
    const result = isThere && !job.running ? job.result : null;
    button("cancel").hidden = !job.running;
    button("upscale-start").hidden = job.running || result !== null;
    button("upscale-start").disabled = isBusy || plan === null;
    this.download.hidden = result === null;
    this.link.offer(result);
    this.handover.offer(result);
    if (!result) return;
    this.download.textContent = `${t("downloadIt")} (${fileSize(result.blob.size)})`;
  }
}
