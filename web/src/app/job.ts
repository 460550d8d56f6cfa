/** The enlargement of the photo that is open: one at a time, and what the last one made. */

import type { Bridge } from "../engine/bridge";
import type { Engine } from "../engine/engine";
import { AppError } from "../errors";
import { CANVAS_MEGAPIXELS, fits, outputName } from "../imaging/output";
import type { PixelsApi } from "../imaging/pixels.worker";
import { confirmLoss } from "../ui/dialogs";
import { keepAwake } from "./awake";
import type { Photo } from "./photo";
import { timings } from "./timings";
import { type Choices, estimateSeconds, type Task, upscalePhoto } from "./upscale";

export interface Result extends Choices {
  readonly blob: Blob;
  readonly name: string;
}

export interface Progress {
  /** 0..1 */
  readonly share: number;
  readonly secondsLeft: number;
}

export class Job {
  /** Null when none runs. */
  progress: Progress | null = null;
  result: Result | null = null;
  private isDownloaded = false;
  private controller = new AbortController();

  constructor(private readonly onChange: () => void) {}

  get running(): boolean {
    return this.progress !== null;
  }

  /** Whether there is a result that nobody has downloaded. */
  get isWaiting(): boolean {
    return this.result !== null && !this.isDownloaded;
  }

  /** Whether somebody would lose work if the photo or the page went. */
  get isAtRisk(): boolean {
    return this.running || this.isWaiting;
  }

  /**
   * Enlarges a photo. An earlier result stays until the new one is there.
   *
   * @throws AppError it failed; AbortError if it was cancelled
   */
  async run(
    engine: Engine,
    pixels: Bridge<PixelsApi>,
    photo: Photo,
    choices: Choices,
  ): Promise<void> {
    this.cancel();
    this.controller = new AbortController();
    const { signal } = this.controller;
    const sleep = keepAwake();
    const begun = performance.now();
    const { network, part } = choices;
    this.progress = { share: 0, secondsLeft: estimateSeconds(engine, network.model, photo, part) };
    this.onChange();
    try {
      const onProgress = (share: number): void => this.advance(share, begun, signal);
      this.result = await enlarge(engine, pixels, { photo, ...choices, signal, onProgress });
      this.isDownloaded = false;
      timings.upscaleMs = performance.now() - begun;
    } finally {
      sleep();
      if (!signal.aborted) this.end();
    }
  }

  /** Whether nothing would be lost with it, or its owner does not mind. */
  async mayGo(): Promise<boolean> {
    if (!this.isAtRisk) return true;
    if (this.running) return confirmLoss("sureStop", "stopJob");
    return confirmLoss("sureDiscard", "discard");
  }

  cancel(): void {
    if (!this.running) return;
    this.controller.abort(new DOMException("cancelled", "AbortError"));
    this.end();
  }

  /** Ends what runs and forgets the result. */
  discard(): void {
    this.cancel();
    this.result = null;
    this.onChange();
  }

  /** The result is where its owner wants it. */
  downloaded(): void {
    this.isDownloaded = true;
    this.onChange();
  }

  private advance(share: number, begun: number, signal: AbortSignal): void {
    if (signal.aborted) return;
    const elapsed = (performance.now() - begun) / 1000;
    this.progress = { share, secondsLeft: elapsed * (1 / share - 1) };
    this.onChange();
  }

  private end(): void {
    this.progress = null;
    this.onChange();
  }
}

/**
 * Enlarges a photo into a file with a name.
 *
 * @throws AppError it failed; AbortError if it was cancelled
 */
export async function enlarge(
  engine: Engine,
  pixels: Bridge<PixelsApi>,
  task: Task,
): Promise<Result> {
  const { photo, network, part, size, label, format, quality, keep } = task;
  if (!fits(format, size.width, size.height)) {
    throw new AppError("formatTooLarge", { megapixels: CANVAS_MEGAPIXELS });
  }
  const blob = await upscalePhoto(engine, pixels, task);
  const name = outputName(photo.name, label, format);
  return { network, part, size, label, format, quality, keep, blob, name };
}

/** Whether a result is what these choices would make. */
export function isOf(result: Choices, wanted: Choices): boolean {
  const { network, part, label, format, quality, keep } = wanted;
  return (
    result.network.model === network.model &&
    result.network.strength === network.strength &&
    result.label === label &&
    result.part.x === part.x &&
    result.part.y === part.y &&
    result.size.width === wanted.size.width &&
    result.size.height === wanted.size.height &&
    result.keep === keep &&
    result.format === format &&
    (format === "png" || result.quality === quality)
  );
}
