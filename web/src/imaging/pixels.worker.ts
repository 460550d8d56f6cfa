/** Decoding, bicubic and encoding, away from the page and from the networks. */

import { serve } from "../engine/serve";
import { halve } from "../engine/tensor";
import { AppError } from "../errors";
import type { Rect } from "../tiles/tiles";
import type { Size } from "../view/view";
import { enlargeBicubic } from "./bicubic";
import { takePixels, toBitmap } from "./canvas";
import {
  BAND_ROWS,
  bandTops,
  type Degradation,
  estimateNoise,
  readCompression,
} from "./degradation";
import { type Encoder, type Output, openEncoder } from "./encoder";
import { checkFile, type Header } from "./header";
import { LOSSES, type Loss, readLosses } from "./losses";

export interface Opened {
  /** The photo as it is shown: upright, sRGB, opaque. */
  readonly bitmap: ImageBitmap;
  /** The photo at most `OVERVIEW_SIDE` large, for views from afar; absent for small photos. */
  readonly overview: ImageBitmap | null;
  /** Null for a lossless file. */
  readonly degradation: Degradation | null;
  readonly losses: readonly Loss[];
}

/** Shown from afar, a large photo is drawn from one of this size: faster, and without moiré. */
const OVERVIEW_SIDE = 2048;

/** Rows that are looked through at once for transparent pixels. */
const CHECKED_ROWS = 256;

let encoder: Encoder | undefined;

const methods = {
  /** Opens a picture file: refused by its header if hostile, decoded otherwise. */
  async open({ file }: { file: Blob }): Promise<Opened> {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const header = checkFile(bytes);
    const compression = readCompression(bytes, header.format);
    const decoded = await decode(file, header);
    const transparent = header.alpha && isTransparent(decoded);
    const bitmap = header.alpha || header.turned ? redraw(decoded) : decoded;
    const degradation = compression && { ...compression, noise: await noiseOf(bitmap) };
    const lost = await readLosses(bytes, header);
    const losses = LOSSES.filter(
      (loss) => lost.includes(loss) || (loss === "transparency" && transparent),
    );
    return { bitmap, overview: await shrink(bitmap), degradation, losses };
  },

  /** A part of the photo by bicubic; at half its size with `half`. */
  async bicubic(request: {
    window: ImageBitmap;
    core: Rect;
    scale: number;
    half: boolean;
  }): Promise<ImageBitmap> {
    const { core, scale, half } = request;
    const { data, width, height } = takePixels(request.window);
    const whole = enlargeBicubic(data, width, height, scale);
    const part = cut(whole, width * scale, core, scale);
    const size = { width: core.width * scale, height: core.height * scale };
    if (!half) return toBitmap(part, size.width, size.height);
    return toBitmap(halve(part, size.width), size.width / 2, size.height / 2);
  },

  /** Begins a file; one at a time. */
  async encode(output: Output): Promise<void> {
    await encoder?.abort();
    encoder = openEncoder(output);
  },

  async add({ rgba, place }: { rgba: Uint8ClampedArray<ArrayBuffer>; place: Rect }): Promise<void> {
    await encoder?.add(rgba, place);
  },

  async finish(): Promise<Blob> {
    if (!encoder) throw new Error("finish before encode");
    const blob = await encoder.finish();
    encoder = undefined;
    return blob;
  },

  async abort(): Promise<void> {
    await encoder?.abort();
    encoder = undefined;
  },
};

export type PixelsApi = typeof methods;

serve(methods);

async function decode(file: Blob, header: Header): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    if (header.format === "heic") throw new AppError("errorHeic");
    throw new AppError("errorDecode", { format: header.format.toUpperCase() });
  }
}

/** Whether any pixel lets through what is behind it. */
function isTransparent(bitmap: ImageBitmap): boolean {
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, Math.min(CHECKED_ROWS, height)).getContext("2d", {
    willReadFrequently: true,
  });
  if (!context) return true;
  context.globalCompositeOperation = "copy";
  for (let top = 0; top < height; top += CHECKED_ROWS) {
    context.drawImage(bitmap, 0, -top);
    const rows = Math.min(CHECKED_ROWS, height - top);
    const { data } = context.getImageData(0, 0, width, rows);
    for (let alpha = 3; alpha < data.length; alpha += 4) if (data[alpha] !== 255) return true;
  }
  return false;
}

/**
 * Lays a picture on white: the networks and JPEG know opaque pixels only. And upright: Chromium cuts
 * windows out of a bitmap that it has turned at the places that they would have in the file.
 */
function redraw(bitmap: ImageBitmap): ImageBitmap {
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
  if (!context) throw new AppError("errorCanvas", { width: bitmap.width, height: bitmap.height });
  context.fillStyle = "#fff";
  context.fillRect(0, 0, bitmap.width, bitmap.height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return canvas.transferToImageBitmap();
}

async function shrink(bitmap: Size & ImageBitmap): Promise<ImageBitmap | null> {
  const share = OVERVIEW_SIDE / Math.max(bitmap.width, bitmap.height);
  if (share >= 1) return null;
  return createImageBitmap(bitmap, {
    resizeWidth: Math.max(1, Math.round(bitmap.width * share)),
    resizeHeight: Math.max(1, Math.round(bitmap.height * share)),
    resizeQuality: "medium",
  });
}

async function noiseOf(bitmap: ImageBitmap): Promise<number> {
  const { width, height } = bitmap;
  const bands: Uint8ClampedArray[] = [];
  for (const top of bandTops(width, height)) {
    bands.push(takePixels(await createImageBitmap(bitmap, 0, top, width, BAND_ROWS)).data);
  }
  return estimateNoise(bands, width);
}

function cut(
  rgba: Uint8ClampedArray<ArrayBuffer>,
  width: number,
  core: Rect,
  scale: number,
): Uint8ClampedArray<ArrayBuffer> {
  const row = core.width * scale * 4;
  const part = new Uint8ClampedArray(row * core.height * scale);
  for (let to = 0, y = core.y * scale; to < part.length; to += row, y++) {
    const from = (y * width + core.x * scale) * 4;
    part.set(rgba.subarray(from, from + row), to);
  }
  return part;
}
