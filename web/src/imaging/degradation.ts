/**
 * What a photo lost before it was opened, as the Python package measures it
 * (`imaging/degradation.py`): the quality that it was compressed at, and its noise.
 */

import { Bytes } from "./bytes";
import { type Format, frameOf, jpegSegments } from "./header";
import { vp8Quality } from "./vp8";

export interface Compression {
  /** 1 to 100, as libjpeg counts; null where the file does not tell. */
  readonly quality: number | null;
}

export interface Degradation extends Compression {
  /** Standard deviation, in levels of 0 to 255. */
  readonly noise: number;
}

/** Luma at quality 50 (ITU-T T.81, table K.1), in the zigzag order of files. */
const LUMA_50 = [
  ...[16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40],
  ...[26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51, 61, 60, 57, 51],
  ...[56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87],
  ...[95, 98, 103, 104, 103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99],
];
const DQT = 0xdb;
const SOS = 0xda;
/** Luma of BT.601, as MATLAB rounds it. */
const [RED, GREEN, BLUE] = [65.481 / 219, 128.553 / 219, 24.966 / 219] as const;
/** Rows of a band, two of blocks. */
export const BAND_ROWS = 16;
const BLOCK = 8;
const NOISE_PIXELS = 2 ** 19;
const FLATTEST = 0.02;
/** What the flattest blocks show of noise alone, of a standard deviation of 1. */
const FLATTEST_NORMAL = 0.643;
/** Levels: less than this is what rounding leaves. */
const UNSEEN = 0.3;

/** How a file was compressed with loss; null for a lossless one. */
export function readCompression(bytes: Uint8Array, format: Format): Compression | null {
  const file = new Bytes(bytes);
  if (format === "jpeg") return { quality: attempt(() => jpegQuality(lumaTable(file))) };
  if (format === "webp") {
    const { kind, frame } = webpFrame(bytes, file);
    return kind === "VP8L" ? null : { quality: attempt(() => vp8Quality(frame)) };
  }
  return format === "avif" || format === "heic" ? { quality: null } : null;
}

/** No photo is refused for a quality that cannot be told. */
function attempt(read: () => number): number | null {
  try {
    return read();
  } catch {
    return null;
  }
}

/** The table that a JPEG's first component was divided by, in the file's order. */
function lumaTable(file: Bytes): number[] {
  const segments = [...jpegSegments(file, (marker) => marker === SOS)];
  const wanted = file.u8(frameOf(segments) + 10);
  let table: number[] = [];
  for (const { marker, at } of segments) {
    if (marker !== DQT) continue;
    const end = at + file.u16(at);
    for (let from = at + 2; from < end; ) {
      const kind = file.u8(from++);
      const bytes = kind >> 4 ? 2 : 1;
      const read = (index: number): number =>
        bytes === 2 ? file.u16(from + 2 * index) : file.u8(from + index);
      if ((kind & 15) === wanted) table = Array.from(LUMA_50, (_, index) => read(index));
      from += bytes * LUMA_50.length;
    }
  }
  return table;
}

/** The quality at which libjpeg's table is nearest: least squares of the logarithms. */
function jpegQuality(table: readonly number[]): number {
  if (table.length === 0 || Math.min(...table) < 1) throw new RangeError("no table");
  let [best, nearest] = [1, Number.POSITIVE_INFINITY];
  for (let quality = 1; quality <= 100; quality++) {
    const scale = quality < 50 ? Math.floor(5000 / quality) : 200 - 2 * quality;
    let distance = 0;
    table.forEach((found, index) => {
      const wanted = Math.floor(((LUMA_50[index] as number) * scale + 50) / 100);
      distance += Math.log(Math.min(Math.max(wanted, 1), 255) / found) ** 2;
    });
    if (distance < nearest) [best, nearest] = [quality, distance];
  }
  return best;
}

/** The chunk of the pixels, its kind and what is in it; nothing where there is none. */
function webpFrame(bytes: Uint8Array, file: Bytes): { kind: string; frame: Uint8Array } {
  for (let at = 12; at + 8 <= file.length; ) {
    const kind = file.text(at, 4);
    const size = file.u32le(at + 4);
    const frame = bytes.subarray(at + 8, at + 8 + size);
    if (kind === "VP8L" || kind === "VP8 ") return { kind, frame };
    at += 8 + size + (size % 2);
  }
  return { kind: "", frame: new Uint8Array() };
}

/** Where the bands of rows begin in which noise is looked for: of a large photo a few are enough. */
export function bandTops(width: number, height: number): number[] {
  const rows = Math.floor(height / BAND_ROWS);
  if (rows === 0) return [0];
  const count = Math.max(1, Math.min(rows, Math.floor(NOISE_PIXELS / (width * BAND_ROWS))));
  const last = height - BAND_ROWS;
  const step = last / Math.max(count - 1, 1);
  const place = (index: number): number => (index && index === count - 1 ? last : index * step);
  return Array.from({ length: count }, (_, index) => Math.floor(place(index)));
}

/**
 * How noisy a photo's luma looks: the RMS of the finest diagonal differences within a block, of the
 * flattest fiftieth of the blocks, as far as the others do not differ, for noise is everywhere alike.
 *
 * @param bands of the photo, (at most BAND_ROWS, width, 4) uint8 each
 */
export function estimateNoise(bands: readonly Uint8ClampedArray[], width: number): number {
  const found = bands.flatMap((band) => roughness(lumaOf(band), width)).sort((a, b) => a - b);
  if (found.length === 0) return 0;
  const noise = quantile(found, FLATTEST) / FLATTEST_NORMAL;
  const usual = Math.max(noise, quantile(found, 0.5));
  return (noise * (noise + UNSEEN)) / (usual + UNSEEN);
}

function quantile(sorted: readonly number[], share: number): number {
  const place = share * (sorted.length - 1);
  const below = sorted[Math.floor(place)] as number;
  const above = sorted[Math.ceil(place)] as number;
  return below + (above - below) * (place % 1);
}

function lumaOf(rgba: Uint8ClampedArray): Float64Array {
  const luma = new Float64Array(rgba.length / 4);
  for (let pixel = 0, at = 0; pixel < luma.length; pixel++, at += 4) {
    const green = (rgba[at + 1] as number) * GREEN;
    luma[pixel] = (rgba[at] as number) * RED + green + (rgba[at + 2] as number) * BLUE;
  }
  return luma;
}

/** The RMS difference of each block of a band that has none of its values clipped. */
function roughness(luma: Float64Array, width: number): number[] {
  const found: number[] = [];
  for (let top = 0; (top + BLOCK) * width <= luma.length; top += BLOCK) {
    for (let left = 0; left + BLOCK <= width; left += BLOCK) {
      const mean = meanSquare(luma, width, top * width + left);
      if (mean !== null) found.push(Math.sqrt(mean));
    }
  }
  return found;
}

/** Of the differences of each 2x2 pixels; null where noise cannot be seen: near black or white. */
function meanSquare(luma: Float64Array, width: number, first: number): number | null {
  let sum = 0;
  for (let row = 0; row < BLOCK; row += 2) {
    for (let at = first + row * width; at < first + row * width + BLOCK; at += 2) {
      const [a, b] = [luma[at] as number, luma[at + 1] as number];
      const [c, d] = [luma[at + width] as number, luma[at + width + 1] as number];
      if (Math.min(a, b, c, d) < 2 || Math.max(a, b, c, d) > 253) return null;
      sum += ((a - b - c + d) / 2) ** 2;
    }
  }
  return sum / (BLOCK / 2) ** 2;
}
