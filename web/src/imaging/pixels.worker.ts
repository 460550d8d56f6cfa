/** Decoding, bicubic and encoding, away from the page and from the networks. */

import { serve } from "../engine/serve";
import { halve } from "../engine/tensor";
import { AppError } from "../errors";
import { times } from "../tiles/rects";
import type { Rect } from "../tiles/tiles";
import type { Size } from "../view/view";
import { enlargeBicubic } from "./bicubic";
import { Bytes } from "./bytes";
import { openContext, takePixels, toBitmap } from "./canvas";
import { type Carried, readCarried } from "./carried";
import { crc32 } from "./crc32";
import { type Deep, isDeep, readDeep } from "./deep";
import {
  BAND_ROWS,
  bandTops,
  type Degradation,
  estimateNoise,
  readCompression,
} from "./degradation";
import { type Encoder, type Output, openEncoder } from "./encoder";
import { checkFile, type Header } from "./header";
import { cut, type Levels } from "./levels";
import { Shrinker } from "./shrinker";
import { asStored, type Turn } from "./turn";

export interface Opened extends Carried {
  /** The photo as it is shown: upright, opaque, in `space`. */
  readonly bitmap: ImageBitmap;
  /** The photo at most `OVERVIEW_SIDE` large, for views from afar; absent for small photos. */
  readonly overview: ImageBitmap | null;
  /** The photo with its transparent parts; null without any. */
  readonly clear: ImageBitmap | null;
  /** Whether the file's 16 bits can be read, by `deep`. */
  readonly isDeep: boolean;
  /** Null for a lossless file. */
  readonly degradation: Degradation | null;
}

/** Shown from afar, a large photo is drawn from one of this size: faster, and without moiré. */
const OVERVIEW_SIDE = 2048;

/** Rows that are looked through at once for transparent pixels. */
const CHECKED_ROWS = 256;

/** What is read of a file at once. */
const PIECE_BYTES = 4 * 2 ** 20;

let encoder: Encoder | undefined;

const methods = {
  /** Opens a picture file: refused by its header if hostile, decoded otherwise. */
  async open({ file, name }: { file: Blob; name: string }): Promise<Opened> {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const header = checkFile(bytes, name);
    const compression = readCompression(bytes, header.format);
    const carried = await readCarried(bytes, header);
    const { space } = carried;
    const { file: stored, turn } = asStored(file, bytes, header);
    const decoded = await decode(stored, header);
    const transparent = header.alpha && isTransparent(decoded);
    const bitmap = header.alpha || header.turned ? redraw(decoded, turn, space) : decoded;
    const clear = transparent ? redraw(decoded, turn, space, true) : null;
    if (bitmap !== decoded) decoded.close();
    const degradation = compression && { ...compression, noise: await noiseOf(bitmap, space) };
    return {
      ...carried,
      bitmap,
      overview: await shrink(bitmap),
      clear,
      isDeep: isDeep(new Bytes(bytes), header),
      degradation,
    };
  },

  /** The pixels of a file that `isDeep`. */
  async deep({ file }: { file: Blob }): Promise<Deep> {
    return readDeep(new Bytes(new Uint8Array(await file.arrayBuffer())));
  },

  /** A part of the photo by bicubic; at half its size with `half`. */
  async bicubic(request: {
    window: ImageBitmap;
    space: PredefinedColorSpace;
    core: Rect;
    scale: number;
    half: boolean;
  }): Promise<ImageBitmap> {
    const { core, scale, half, space } = request;
    const picture = takePixels(request.window, space);
    const whole = enlargeBicubic(picture.data, picture, scale);
    const { width, height } = times(core, scale);
    const part = cut(whole, picture.width * scale, times(core, scale));
    if (!half) return toBitmap(part, width, height, space);
    return toBitmap(halve(part, width), width / 2, height / 2, space);
  },

  /** Begins a file, one at a time: of tiles of a picture that has its size, or is larger. */
  async encode({ from, ...output }: Output & { from: Size }): Promise<void> {
    await encoder?.abort();
    const exact = openEncoder(output);
    const isExact = from.width === output.width && from.height === output.height;
    encoder = isExact ? exact : new Shrinker(exact, from, output);
  },

  async add({ pixels, place }: { pixels: Levels; place: Rect }): Promise<void> {
    await encoder?.add(pixels, place);
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

  /** A file's CRC-32. */
  async checksum({ file }: { file: Blob }): Promise<number> {
    let value = 0;
    for (let at = 0; at < file.size; at += PIECE_BYTES) {
      value = crc32(new Uint8Array(await file.slice(at, at + PIECE_BYTES).arrayBuffer()), value);
    }
    return value;
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
  const context = openContext({ width, height: Math.min(CHECKED_ROWS, height) }, {});
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
 * Draws a picture anew, on white unless it is to stay transparent: the networks and JPEG know opaque
 * pixels only. And upright: Chromium cuts windows out of a bitmap that it has turned at the places
 * that they would have in the file.
 */
function redraw(
  bitmap: ImageBitmap,
  turn: Turn | null,
  colorSpace: PredefinedColorSpace,
  alpha = false,
): ImageBitmap {
  const [width, height] = [bitmap.width, bitmap.height];
  const size = turn?.isTransposed ? { width: height, height: width } : { width, height };
  const context = openContext(size, { alpha, colorSpace });
  if (!alpha) {
    context.fillStyle = "#fff";
    context.fillRect(0, 0, size.width, size.height);
  }
  if (turn) {
    const [x, y] = [turn.fromRight ? -1 : 1, turn.fromBelow ? -1 : 1];
    if (turn.isTransposed) context.transform(0, 1, 1, 0, 0, 0);
    context.transform(x, 0, 0, y, turn.fromRight ? width : 0, turn.fromBelow ? height : 0);
  }
  context.drawImage(bitmap, 0, 0);
  return context.canvas.transferToImageBitmap();
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

async function noiseOf(bitmap: ImageBitmap, space: PredefinedColorSpace): Promise<number> {
  const { width, height } = bitmap;
  const bands: Uint8ClampedArray[] = [];
  for (const top of bandTops(width, height)) {
    const band = await createImageBitmap(bitmap, 0, top, width, BAND_ROWS);
    bands.push(takePixels(band, space).data);
  }
  return estimateNoise(bands, width);
}
