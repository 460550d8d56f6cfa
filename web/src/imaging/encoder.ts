/** Encoders of the enlarged photo, which comes tile by tile. */

import { AppError } from "../errors";
import type { Rect } from "../tiles/tiles";
import type { OutputFormat } from "./output";
import { PngEncoder } from "./png";

export interface Output {
  readonly format: OutputFormat;
  readonly width: number;
  readonly height: number;
  /** 0..1, for JPEG and WebP. */
  readonly quality: number;
}

export interface Encoder {
  /** Takes a tile: tiles come row by row, and those of a row have one height. */
  add(rgba: Uint8ClampedArray<ArrayBuffer>, place: Rect): Promise<void>;
  finish(): Promise<Blob>;
  abort(): Promise<void>;
}

export function openEncoder(output: Output): Encoder {
  return output.format === "png" ? new BandEncoder(output) : new CanvasEncoder(output);
}

/** Collects a row of tiles and hands its pixel rows to the PNG encoder. */
class BandEncoder implements Encoder {
  private readonly png: PngEncoder;
  private band = new Uint8Array(0);

  constructor(private readonly output: Output) {
    this.png = new PngEncoder(output.width, output.height);
  }

  async add(rgba: Uint8ClampedArray, place: Rect): Promise<void> {
    const { width } = this.output;
    if (place.x === 0) this.band = new Uint8Array(place.height * width * 3);
    for (let row = 0, from = 0; row < place.height; row++) {
      let to = (row * width + place.x) * 3;
      for (let column = 0; column < place.width; column++, from += 4, to += 3) {
        this.band[to] = rgba[from] as number;
        this.band[to + 1] = rgba[from + 1] as number;
        this.band[to + 2] = rgba[from + 2] as number;
      }
    }
    if (place.x + place.width === width) await this.png.write(this.band);
  }

  finish(): Promise<Blob> {
    return this.png.finish();
  }

  abort(): Promise<void> {
    return this.png.abort();
  }
}

/** Draws the tiles on a canvas, which the browser encodes. */
class CanvasEncoder implements Encoder {
  private readonly context: OffscreenCanvasRenderingContext2D;

  constructor(private readonly output: Output) {
    const { width, height } = output;
    // Kept in the CPU's memory: graphics memory may be smaller than the result.
    const options = { alpha: false, willReadFrequently: true };
    const context = new OffscreenCanvas(width, height).getContext("2d", options);
    if (!context) throw new AppError("errorCanvas", { width, height });
    this.context = context;
  }

  async add(rgba: Uint8ClampedArray<ArrayBuffer>, place: Rect): Promise<void> {
    this.context.putImageData(new ImageData(rgba, place.width, place.height), place.x, place.y);
  }

  async finish(): Promise<Blob> {
    const { format, quality, width, height } = this.output;
    const type = `image/${format}`;
    const blob = await this.context.canvas.convertToBlob({ type, quality }).catch(() => null);
    if (!blob?.size) throw new AppError("errorCanvas", { width, height });
    // Browsers that cannot write a format silently write PNG.
    if (blob.type !== type) throw new AppError("errorFormat", { format: format.toUpperCase() });
    return blob;
  }

  async abort(): Promise<void> {
    this.context.canvas.width = 0; // gives the memory back at once
  }
}
