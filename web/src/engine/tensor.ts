/** Pixels to numbers and back, as the Python runtime has it (`imaging/arrays.py`). */

const LEVEL = Math.fround(1 / 255);

/**
 * Lays a picture out as a network takes it.
 *
 * @param rgba (H, W, 4) uint8; alpha is left out
 * @returns (1, 3, H, W) float32 in [0, 1]
 */
export function toNchw(rgba: Uint8ClampedArray): Float32Array<ArrayBuffer> {
  const pixels = rgba.length / 4;
  const nchw = new Float32Array(3 * pixels);
  for (let pixel = 0, at = 0; pixel < pixels; pixel++, at += 4) {
    nchw[pixel] = (rgba[at] as number) * LEVEL;
    nchw[pixels + pixel] = (rgba[at + 1] as number) * LEVEL;
    nchw[2 * pixels + pixel] = (rgba[at + 2] as number) * LEVEL;
  }
  return nchw;
}

/** A rectangle of a network's output, in SR pixels. */
export interface Crop {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Turns a rectangle of a network's output into pixels: clamped, rounded half up.
 *
 * @param nchw (1, 3, H, W) float32, not clamped
 * @param width W
 * @returns (crop.height, crop.width, 4) uint8, opaque
 */
export function fromNchw(
  nchw: Float32Array,
  width: number,
  crop: Crop,
): Uint8ClampedArray<ArrayBuffer> {
  const plane = nchw.length / 3;
  const rgba = new Uint8ClampedArray(crop.width * crop.height * 4).fill(255);
  let at = 0;
  for (let row = crop.y; row < crop.y + crop.height; row++) {
    let from = row * width + crop.x;
    for (const stop = from + crop.width; from < stop; from++, at += 4) {
      // A clamped array rounds half to even; adding a half and cutting off rounds half up.
      rgba[at] = toLevel(nchw[from] as number);
      rgba[at + 1] = toLevel(nchw[plane + from] as number);
      rgba[at + 2] = toLevel(nchw[2 * plane + from] as number);
    }
  }
  return rgba;
}

function toLevel(value: number): number {
  return Math.floor(Math.fround(Math.fround(value * 255) + 0.5));
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
