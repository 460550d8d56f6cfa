/** Pixels to numbers and back, as the Python runtime has it (`imaging/arrays.py`). */

import { type Levels, levelsLike, mostOf } from "../imaging/levels";
import type { Rect } from "../tiles/tiles";

/**
 * Lays a picture out as a network takes it.
 *
 * @param rgba (H, W, 4) uint8 or uint16; alpha is left out
 * @returns (1, 3, H, W) float32 in [0, 1]
 */
export function toNchw(rgba: Levels): Float32Array<ArrayBuffer> {
  const level = Math.fround(1 / mostOf(rgba));
  const pixels = rgba.length / 4;
  const nchw = new Float32Array(3 * pixels);
  for (let pixel = 0, at = 0; pixel < pixels; pixel++, at += 4) {
    nchw[pixel] = (rgba[at] as number) * level;
    nchw[pixels + pixel] = (rgba[at + 1] as number) * level;
    nchw[2 * pixels + pixel] = (rgba[at + 2] as number) * level;
  }
  return nchw;
}

/**
 * Turns a rectangle of a network's output into pixels: clamped, rounded half up.
 *
 * @param nchw (1, 3, H, W) float32, not clamped
 * @param width W
 * @param kind tells whether they get 8 or 16 bits
 * @returns (crop.height, crop.width, 4), opaque
 */
export function fromNchw<Kind extends Levels>(
  nchw: Float32Array,
  width: number,
  crop: Rect,
  kind: Kind,
): Kind {
  const plane = nchw.length / 3;
  const most = mostOf(kind);
  const rgba = levelsLike(kind, crop.width * crop.height * 4).fill(most) as Kind;
  const toLevel = (value: number): number => {
    // Rounded half up, which a clamped array does not.
    const level = Math.floor(Math.fround(Math.fround(value * most) + 0.5));
    return Math.min(Math.max(level, 0), most);
  };
  let at = 0;
  for (let row = crop.y; row < crop.y + crop.height; row++) {
    let from = row * width + crop.x;
    for (const stop = from + crop.width; from < stop; from++, at += 4) {
      rgba[at] = toLevel(nchw[from] as number);
      rgba[at + 1] = toLevel(nchw[plane + from] as number);
      rgba[at + 2] = toLevel(nchw[2 * plane + from] as number);
    }
  }
  return rgba;
}

/**
 * Halves a picture by the mean of each 2x2 pixels.
 *
 * @param rgba (H, W, 4) uint8, opaque, W and H even
 */
export function halve(rgba: Uint8ClampedArray, width: number): Uint8ClampedArray<ArrayBuffer> {
  const row = width * 4;
  const half = new Uint8ClampedArray(rgba.length / 4);
  for (let top = 0, at = 0; top < rgba.length; top += 2 * row) {
    for (let left = top; left < top + row; left += 8, at += 4) {
      for (let channel = 0; channel < 4; channel++)
        half[at + channel] = mean(rgba, left + channel, row);
    }
  }
  return half;
}

function mean(rgba: Uint8ClampedArray, at: number, row: number): number {
  const above = (rgba[at] as number) + (rgba[at + 4] as number);
  return (above + (rgba[at + row] as number) + (rgba[at + row + 4] as number) + 2) >> 2;
}

/** The largest difference of two pictures of one size, in levels. */
export function largestDifference(a: Uint8ClampedArray, b: Uint8ClampedArray): number {
  if (a.length !== b.length) return 255;
  let largest = 0;
  for (let at = 0; at < a.length; at++) {
    largest = Math.max(largest, Math.abs((a[at] as number) - (b[at] as number)));
  }
  return largest;
}
