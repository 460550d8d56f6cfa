/** Encoders of the enlarged photo, which comes tile by tile. */

import { AppError } from "../errors";
import type { Rect } from "../tiles/tiles";
import { openContext } from "./canvas";
import { addToJpeg, addToWebp, type Extras } from "./container";
import { type Levels, levelsLike } from "./levels";
import type { OutputFormat } from "./output";
import { DISPLAY_P3 } from "./p3";
import { chunk, PngEncoder, profileChunk } from "./png";

export interface Output {
  readonly format: OutputFormat;
  readonly width: number;
  readonly height: number;
  /** 0..1, for JPEG and WebP. */
  readonly quality: number;
  readonly space: PredefinedColorSpace;
  /** Whether pixels may be transparent. */
  readonly alpha: boolean;
  /** For PNG: 16 bits, gray, and the chunks of the file that say what its colours are. */
  readonly deep: { readonly gray: boolean; readonly colours: readonly BlobPart[] } | null;
  readonly exif: Uint8Array<ArrayBuffer> | null;
}

export interface Encoder {
  /** Takes a tile: tiles come row by row, and those of a row have one height. */
  add(pixels: Levels, place: Rect): Promise<void>;
  finish(): Promise<Blob>;
  abort(): Promise<void>;
}

export function openEncoder(output: Output): Encoder {
  return output.format === "png" ? new BandEncoder(output) : new CanvasEncoder(output);
}

function chunksOf({ space, deep, exif }: Output): BlobPart[] {
  const isWide = space === "display-p3";
  const own = isWide ? profileChunk("Display P3", DISPLAY_P3) : chunk("sRGB", [0]);
  return [...(deep?.colours ?? [own]), ...(exif ? [chunk("eXIf", exif)] : [])];
}

/** Collects a row of tiles and hands its pixel rows to the PNG encoder. */
class BandEncoder implements Encoder {
  private readonly png: PngEncoder;
  /** Which samples of RGBA are written. */
  private readonly samples: readonly number[];
  private band: Levels = new Uint8ClampedArray(0);

  constructor(private readonly output: Output) {
    const { width, height, deep, alpha } = output;
    this.samples = [...(deep?.gray ? [0] : [0, 1, 2]), ...(alpha ? [3] : [])];
    this.png = new PngEncoder(
      { width, height, samples: this.samples.length, bits: deep ? 16 : 8 },
      chunksOf(output),
    );
  }

  async add(pixels: Levels, place: Rect): Promise<void> {
    const { width } = this.output;
    const samples = this.samples.length;
    if (this.output.deep?.gray) makeGray(pixels);
    if (place.x === 0) this.band = levelsLike(pixels, place.height * width * samples);
    const taken = takeSamples(pixels, this.samples);
    const stride = place.width * samples;
    for (let row = 0; row < place.height; row++) {
      const to = (row * width + place.x) * samples;
      this.band.set(taken.subarray(row * stride, (row + 1) * stride), to);
    }
    if (place.x + place.width === width) this.png.write(bytesOf(this.band));
  }

  async finish(): Promise<Blob> {
    return this.png.finish();
  }

  async abort(): Promise<void> {}
}

/** Some of each pixel's four samples. */
function takeSamples(pixels: Levels, samples: readonly number[]): Levels {
  if (pixels instanceof Uint8ClampedArray && samples.join() === "0,1,2") return takeColours(pixels);
  const taken = levelsLike(pixels, (pixels.length / 4) * samples.length);
  let to = 0;
  for (let pixel = 0; pixel < pixels.length; pixel += 4) {
    for (const sample of samples) taken[to++] = pixels[pixel + sample] as number;
  }
  return taken;
}

/** RGB of RGBA, four pixels at a time: three words of four, in a tenth of the time of bytes. */
function takeColours(pixels: Uint8ClampedArray<ArrayBuffer>): Uint8ClampedArray<ArrayBuffer> {
  const count = pixels.length / 4;
  const words = new Uint32Array(pixels.buffer, pixels.byteOffset, count);
  const taken = new Uint32Array(3 * Math.ceil(count / 4));
  for (let from = 0, to = 0; from < count; from += 4, to += 3) {
    const one = words[from] as number;
    const two = words[from + 1] as number; // beyond the end nothing is, and counts as zeros
    const three = words[from + 2] as number;
    const four = words[from + 3] as number;
    taken[to] = (one & 0xffffff) | (two << 24);
    taken[to + 1] = ((two >>> 8) & 0xffff) | (three << 16);
    taken[to + 2] = ((three >>> 16) & 0xff) | (four << 8);
  }
  return new Uint8ClampedArray(taken.buffer, 0, 3 * count);
}

/** The samples' bytes, those of 16 bits big end first. */
function bytesOf(samples: Levels): Uint8Array {
  const bytes = new Uint8Array(samples.buffer);
  if (samples instanceof Uint16Array) {
    const view = new DataView(samples.buffer);
    for (let at = 0; at < samples.length; at++) view.setUint16(2 * at, samples[at] as number);
  }
  return bytes;
}

/** Puts the mean of the colours in place of red, as the Python package does. */
function makeGray(pixels: Levels): void {
  for (let at = 0; at < pixels.length; at += 4) {
    const [red, green, blue] = [pixels[at], pixels[at + 1], pixels[at + 2]] as [
      number,
      number,
      number,
    ];
    pixels[at] = Math.round((red + green + blue) / 3);
  }
}

/** Draws the tiles on a canvas, which the browser encodes. */
class CanvasEncoder implements Encoder {
  private readonly context: OffscreenCanvasRenderingContext2D;

  constructor(private readonly output: Output) {
    const { alpha, space: colorSpace } = output;
    this.context = openContext(output, { alpha, colorSpace });
  }

  async add(pixels: Levels, place: Rect): Promise<void> {
    const settings = { colorSpace: this.output.space };
    const rgba = pixels as Uint8ClampedArray<ArrayBuffer>;
    const tile = new ImageData(rgba, place.width, place.height, settings);
    this.context.putImageData(tile, place.x, place.y);
  }

  async finish(): Promise<Blob> {
    const { format, quality, width, height, space, exif } = this.output;
    const type = `image/${format}`;
    const blob = await this.context.canvas.convertToBlob({ type, quality }).catch(() => null);
    if (!blob?.size) throw new AppError("errorCanvas", { width, height });
    // Browsers that cannot write a format silently write PNG.
    if (blob.type !== type) throw new AppError("errorFormat", { format: format.toUpperCase() });
    const extras: Extras = { exif, profile: space === "display-p3" ? DISPLAY_P3 : null };
    return format === "jpeg" ? addToJpeg(blob, extras) : addToWebp(blob, this.output, extras);
  }

  async abort(): Promise<void> {
    this.context.canvas.width = 0; // gives the memory back at once
  }
}
