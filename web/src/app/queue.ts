/** Several photos, enlarged one after another: each is decoded in its turn, and fails alone. */

import { isAbort } from "../errors";
import { confirmLoss } from "../ui/dialogs";
import { keepAwake } from "./awake";
import type { Result } from "./job";

export type ItemState = "waiting" | "running" | "done" | "failed";

export interface Item {
  readonly file: Blob;
  readonly name: string;
  readonly state: ItemState;
  /** How much of it is done, 0..1. */
  readonly share: number;
  readonly result: Result | null;
  readonly error: unknown;
  readonly isDownloaded: boolean;
}

/** Makes a file of one photo. */
export type Enlarge = (
  item: Item,
  signal: AbortSignal,
  onProgress: (share: number) => void,
) => Promise<Result>;

type Writable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

export class Queue {
  private readonly list: Writable<Item>[] = [];
  /** The photo that is enlarged now. */
  private current: { readonly item: Item; readonly controller: AbortController } | null = null;
  private isStopped = true;

  constructor(private readonly onChange: () => void) {}

  get items(): readonly Item[] {
    return this.list;
  }

  get isRunning(): boolean {
    return !this.isStopped || this.current !== null;
  }

  /** Whether somebody would lose work if all of it went. */
  get isAtRisk(): boolean {
    return this.isRunning || this.list.some(isUnsaved);
  }

  /** How much of all is done, 0..1. */
  get share(): number {
    const done = this.list.reduce((sum, { state, share }) => {
      return sum + (state === "running" ? share : Number(isOver(state)));
    }, 0);
    return this.list.length ? done / this.list.length : 0;
  }

  count(state: ItemState): number {
    return this.list.filter((item) => item.state === state).length;
  }

  add(files: readonly File[]): void {
    for (const file of files) {
      const { name } = file;
      const rest = { share: 0, result: null, error: null, isDownloaded: false };
      this.list.push({ file, name, state: "waiting", ...rest });
    }
    this.onChange();
  }

  /** Enlarges what waits, and what is added meanwhile, until all is done or `stop`. */
  async run(enlarge: Enlarge): Promise<void> {
    if (this.isRunning) return;
    this.isStopped = false;
    const sleep = keepAwake();
    try {
      for (let item = this.next; item; item = this.next) await this.process(item, enlarge);
    } finally {
      sleep();
      this.isStopped = true;
      this.onChange();
    }
  }

  /** Ends the work; what is not done waits again. */
  stop(): void {
    this.isStopped = true;
    this.current?.controller.abort(new DOMException("stopped", "AbortError"));
    this.onChange();
  }

  /** Takes a photo out, if its owner does not mind; returns whether it has gone. */
  async remove(item: Item): Promise<boolean> {
    if (isUnsaved(item) && !(await confirmLoss("sureDiscard", "discard"))) return false;
    const at = this.list.indexOf(item);
    if (at >= 0) this.list.splice(at, 1);
    if (this.current?.item === item) {
      this.current.controller.abort(new DOMException("removed", "AbortError"));
    }
    this.onChange();
    return true;
  }

  /** Takes all photos out, if their owner does not mind; returns whether they have gone. */
  async clear(): Promise<boolean> {
    if (this.isAtRisk && !(await confirmLoss("sureDiscardAll", "discard"))) return false;
    this.stop();
    this.list.length = 0;
    this.onChange();
    return true;
  }

  /** These results are where their owner wants them. */
  downloaded(items: readonly Item[]): void {
    for (const item of this.list) if (items.includes(item)) item.isDownloaded = true;
    this.onChange();
  }

  private get next(): Writable<Item> | undefined {
    return this.isStopped ? undefined : this.list.find(({ state }) => state === "waiting");
  }

  private async process(item: Writable<Item>, enlarge: Enlarge): Promise<void> {
    const controller = new AbortController();
    this.current = { item, controller };
    this.set(item, { state: "running", share: 0 });
    const advance = (share: number): void => {
      if (!controller.signal.aborted) this.set(item, { share });
    };
    try {
      const result = await enlarge(item, controller.signal, advance);
      this.set(item, { state: "done", result });
    } catch (error) {
      this.set(item, isAbort(error) ? { state: "waiting", share: 0 } : { state: "failed", error });
    }
    this.current = null;
  }

  private set(item: Writable<Item>, change: Partial<Item>): void {
    Object.assign(item, change);
    this.onChange();
  }
}

function isOver(state: ItemState): boolean {
  return state === "done" || state === "failed";
}

function isUnsaved({ result, isDownloaded }: Item): boolean {
  return result !== null && !isDownloaded;
}
