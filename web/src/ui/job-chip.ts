/** The job in the toolbar: how far it is, and its result until that is downloaded. */

import type { App } from "../app/app";
import type { Result } from "../app/job";
import { block, button, byId, onClick } from "../dom";
import { duration, fileSize, onLanguage, percent, t } from "../i18n";
import { notify } from "./notify";
import { announce, showInfo } from "./toast";

export function attachJobChip(app: App): void {
  new JobChip(app);
}

/** Where a result can be fetched, for as long as it is there. */
export class ResultLink {
  private offered: Result | null = null;

  constructor(private readonly link: HTMLAnchorElement) {}

  /** Points the link at a result. */
  offer(result: Result | null): void {
    if (result === this.offered) return;
    if (this.offered) URL.revokeObjectURL(this.link.href);
    this.offered = result;
    if (result) this.link.href = URL.createObjectURL(result.blob);
    else this.link.removeAttribute("href");
    this.link.download = result?.name ?? "";
  }
}

class JobChip {
  private readonly download = byId("job-download", HTMLAnchorElement);
  private readonly link = new ResultLink(this.download);
  private result: Result | null = null;

  constructor(private readonly app: App) {
    const { job } = app;
    this.download.addEventListener("click", () => job.downloaded());
    onClick("job-open", () => button("upscale-all").click());
    onClick("job-cancel", () => (job.running ? this.cancel() : void app.discardJob()));
    app.onChange(() => this.show());
    onLanguage(() => this.show());
  }

  private cancel(): void {
    this.app.cancelJob();
    showInfo("cancelled");
  }

  private show(): void {
    const { job } = this.app;
    block("job").hidden = !job.isAtRisk;
    block("finish-buttons").hidden = job.isAtRisk;
    this.showProgress();
    this.link.offer(job.running ? null : job.result);
    this.download.hidden = job.running || !job.result;
    const label = t(job.running ? "cancel" : "discard");
    block("job-cancel").ariaLabel = label;
    block("job-cancel").title = label;
    if (job.result !== this.result) this.tell(job.result);
  }

  private showProgress(): void {
    const { progress, result } = this.app.job;
    const { queue } = this.app;
    const done = progress ? percent(progress.share) : "";
    const shown = queue.isRunning ? percent(queue.share) : done;
    document.title = shown ? `${shown} · ${t("appName")}` : t("appTitle");
    block("job").style.setProperty("--share", String(progress?.share ?? 0));
    block("job-text").textContent = progress
      ? t("progressText", { percent: done, time: duration(progress.secondsLeft) })
      : result
        ? t("finished", { size: fileSize(result.blob.size) })
        : "";
  }

  /** Says that a result is there, on the page and beside it. */
  private tell(result: Result | null): void {
    this.result = result;
    if (!result) return;
    const { name } = result;
    if (document.querySelector("dialog[open]")) announce("finishedName", { name });
    else showInfo("finishedName", { name });
    void notify(t("finishedName", { name }));
  }
}
