/** The sheet of several photos: what each is at, and their results. */

import type { App } from "../app/app";
import { enlargeQueue } from "../app/enlarge-queue";
import type { Item } from "../app/queue";
import { block, button, download, onClick } from "../dom";
import { fileSize, number, onLanguage, percent, t } from "../i18n";
import { distinctNames, zipFiles } from "../imaging/zip";
import { Sheet } from "./dialogs";
import { ResultLink } from "./job-chip";
import { notify } from "./notify";
import type { OutputChoices } from "./output-choices";
import { announce, errorText, showError, showInfo } from "./toast";

/** What gives photos to the queue. */
export interface QueueSheet {
  readonly isOpen: boolean;
  add(files: readonly File[]): void;
}

export function attachQueue(app: App, choices: OutputChoices): QueueSheet {
  return new ListSheet(app, choices);
}

class ListSheet implements QueueSheet {
  private readonly sheet = new Sheet("queue");
  private readonly slot = block("queue-slot");
  private readonly rows = new Map<Item, Row>();

  constructor(
    private readonly app: App,
    private readonly choices: OutputChoices,
  ) {
    onClick("queue-open", () => this.open());
    onClick("queue-add", () => block("file-input").click());
    onClick("queue-start", () => void this.start());
    onClick("queue-stop", () => app.queue.stop());
    onClick("queue-clear", () => void this.clear());
    onClick("queue-zip", () => this.zip().catch(showError));
    app.onChange(() => this.show());
    onLanguage(() => this.show());
  }

  get isOpen(): boolean {
    return this.sheet.isOpen;
  }

  add(files: readonly File[]): void {
    this.app.queue.add(files);
    this.open();
  }

  private open(): void {
    this.choices.placeIn(this.slot);
    this.sheet.open();
  }

  private async start(): Promise<void> {
    await enlargeQueue(this.app, this.choices.chosen);
    const { queue } = this.app;
    const [done, count] = [queue.count("done"), queue.items.length];
    if (count === 0 || queue.count("waiting") > 0) return; // it was stopped
    const params = { done, count };
    if (this.isOpen) announce("queueDone", params);
    else showInfo("queueDone", params);
    void notify(t("queueDone", params));
  }

  private async clear(): Promise<void> {
    if (await this.app.queue.clear()) this.sheet.close();
  }

  private async remove(item: Item): Promise<void> {
    const at = this.app.queue.items.indexOf(item);
    if (!(await this.app.queue.remove(item))) return;
    const { items } = this.app.queue;
    const next = items[Math.min(at, items.length - 1)];
    if (next) this.rows.get(next)?.focus();
    else this.sheet.close();
  }

  /** All results as one file. */
  private async zip(): Promise<void> {
    const { queue, pixels } = this.app;
    const done = queue.items.filter(({ result }) => result);
    const blobs = done.flatMap(({ result }) => (result ? [result.blob] : []));
    const names = distinctNames(done.map(({ result }) => result?.name ?? ""));
    const entries = [];
    for (const [index, blob] of blobs.entries()) {
      const crc32 = await pixels.call("checksum", { file: blob });
      entries.push({ name: names[index] as string, blob, crc32 });
    }
    download(zipFiles(entries, new Date()), "zoomsr.zip");
    queue.downloaded(done);
  }

  private show(): void {
    const { queue } = this.app;
    this.showRows(queue.items);
    this.showChip();
    this.choices.show(this.slot, null);
    block("queue-title").textContent = t("queueTitle", { count: queue.items.length });
    this.showActions();
  }

  private showRows(items: readonly Item[]): void {
    for (const [item, row] of this.rows) {
      if (items.includes(item)) continue;
      row.close();
      this.rows.delete(item);
    }
    for (const item of items) {
      let row = this.rows.get(item);
      if (!row) {
        row = new Row(
          item,
          () => void this.remove(item),
          () => this.app.queue.downloaded([item]),
        );
        this.rows.set(item, row);
        block("queue-list").append(row.element);
      }
      row.show();
    }
  }

  /** What of it is seen when the sheet is closed. */
  private showChip(): void {
    const { queue } = this.app;
    const [done, count] = [queue.count("done"), queue.items.length];
    const chip = block("queue-open");
    chip.hidden = count === 0;
    chip.ariaLabel = t("queueOpen", { done, count });
    chip.title = chip.ariaLabel;
    chip.style.setProperty("--share", String(queue.share));
    block("queue-count").textContent = `${done}/${count}`;
    const isRunning = queue.isRunning ? "running" : "still";
    document.documentElement.dataset.queue = count ? isRunning : "empty";
  }

  private progressText(done: number, count: number): string {
    const { queue } = this.app;
    if (queue.isRunning) return t("queueProgress", { done, count, percent: percent(queue.share) });
    return done > 0 ? t("queueDone", { done, count }) : "";
  }

  private showActions(): void {
    const { queue, job } = this.app;
    const [done, count] = [queue.count("done"), queue.items.length];
    const isMore = queue.count("waiting") > 0;
    const results = queue.items.flatMap(({ result }) => (result ? [result] : []));
    const size = results.reduce((sum, { blob }) => sum + blob.size, 0);
    block("queue-note").textContent = job.running ? t("queueBusy") : this.progressText(done, count);
    this.showKeys(!queue.isRunning && isMore, !queue.isRunning && done > 1);
    block("queue-zip").textContent = t("queueZip", { size: fileSize(size) });
    block("queue-slot").hidden = queue.isRunning || !isMore;
  }

  /** Shows what can be done; the focus goes from a key that goes to the one that comes. */
  private showKeys(canStart: boolean, canZip: boolean): void {
    const { queue, engine, job } = this.app;
    const [start, stop, zip] = [button("queue-start"), button("queue-stop"), button("queue-zip")];
    const held = [start, stop, zip].find((key) => key === document.activeElement);
    start.hidden = !canStart;
    start.disabled = !engine || job.running;
    stop.hidden = !queue.isRunning;
    zip.hidden = !canZip;
    if (!held?.hidden) return;
    const next = [start, stop, zip].find(({ hidden }) => !hidden);
    (next ?? block("queue-close")).focus();
  }
}

/** One photo: its name, what it is at, its result, and a way to take it out. */
class Row {
  readonly element: HTMLLIElement;
  private readonly state = document.createElement("span");
  private readonly download = icon("a", "save");
  private readonly remove = icon("button", "close");
  private readonly link = new ResultLink(this.download);

  constructor(
    private readonly item: Item,
    onRemove: () => void,
    onDownload: () => void,
  ) {
    this.element = document.createElement("li");
    const name = document.createElement("b");
    name.textContent = item.name;
    this.state.className = "quiet";
    const words = document.createElement("div");
    words.append(name, this.state);
    this.remove.type = "button";
    this.remove.addEventListener("click", onRemove);
    this.download.addEventListener("click", onDownload);
    this.element.append(words, this.download, this.remove);
  }

  show(): void {
    const { item, element } = this;
    const { state, share, result, name } = item;
    element.dataset.state = state;
    element.style.setProperty("--share", String(state === "running" ? share : 0));
    this.state.textContent = stateText(item);
    this.link.offer(result);
    this.download.hidden = !result;
    label(this.download, t("downloadName", { name: result?.name ?? "" }));
    label(this.remove, t("queueRemove", { name }));
  }

  focus(): void {
    this.remove.focus();
  }

  close(): void {
    this.link.offer(null);
    this.element.remove();
  }
}

function stateText({ state, share, file, result, error }: Item): string {
  if (state === "running") return t("itemRunning", { percent: percent(share) });
  if (state === "failed") return errorText(error);
  if (!result) return t("itemWaiting", { size: fileSize(file.size) });
  const { width, height } = result.size;
  const size = fileSize(result.blob.size);
  return t("itemDone", { width: number(width), height: number(height), size });
}

function icon<Kind extends "a" | "button">(kind: Kind, name: string): HTMLElementTagNameMap[Kind] {
  const element = document.createElement(kind);
  element.className = "icon-button";
  element.innerHTML = `<svg aria-hidden="true"><use href="#i-${name}" /></svg>`;
  return element;
}

function label(element: HTMLElement, text: string): void {
  element.ariaLabel = text;
  element.title = text;
}
