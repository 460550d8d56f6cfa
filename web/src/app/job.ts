/** The enlargement of the whole photo: one at a time, and what the last one made. */

import type { Bridge } from "../engine/bridge";
import type { Engine } from "../engine/engine";
import type { Network } from "../engine/restore";
import { type OutputFormat, outputName } from "../imaging/output";
import type { PixelsApi } from "../imaging/pixels.worker";
import { confirmLoss } from "../ui/dialogs";
import { keepAwake } from "./awake";
import type { Keep } from "./keep";
import type { Photo } from "./photo";
import { timings } from "./timings";
import { estimateSeconds, upscalePhoto } from "./upscale";

/** What decides how a result looks. */
export interface Choices {
  readonly network: Network;
  readonly format: OutputFormat;
  /** 0..1, for JPEG and WebP. */
  readonly quality: number;
  readonly keep: Keep;
}

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
    const expected = estimateSeconds(engine, choices.network.model, photo);
    this.progress = { share: 0, secondsLeft: expected };
    this.onChange();
    try {
      const onProgress = (share: number): void => this.advance(share, begun, signal);
      const blob = await upscalePhoto(engine, pixels, { photo, ...choices, signal, onProgress });
      const name = outputName(photo.name, choices.network.model.scale, choices.format);
      this.result = { ...choices, blob, name };
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

/** Whether a result is what these choices would make. */
export function isOf({ network, format, quality, keep }: Choices, wanted: Choices): boolean {
  return (
    network.model === wanted.network.model &&
    network.strength === wanted.network.strength &&
    keep === wanted.keep &&
    format === wanted.format &&
    (format === "png" || quality === wanted.quality)
  );
}
