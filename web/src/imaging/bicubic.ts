/**
 * Bicubic, as MATLAB's `imresize` and the Python package's `imaging/resize.py`: Keys' cubic with
 * a = -0.5, widened where it shrinks, one axis after the other, rounded to integers between the two,
 * mirrored at the borders.
 */

import type { Size } from "../view/view";
import { type Levels, levelsLike, mostOf } from "./levels";

/** Where the pixels of one axis come from. */
export interface Taps {
  /** Input positions and weights for each output pixel. */
  readonly count: number;
  /** (out, count), all inside the picture. */
  readonly indices: Int32Array;
  /** (out, count), each row summing to 1. */
  readonly weights: Float64Array;
}

const KERNEL_WIDTH = 4;

/**
 * Enlarges by a whole factor.
 *
 * @param pixels (height, width, channels) uint8 or uint16
 * @returns (scale * height, scale * width, channels) of the same type
 */
export function enlargeBicubic<Kind extends Levels>(
  pixels: Kind,
  { width, height }: Size,
  scale: number,
  channels = 4,
): Kind {
  const rows = resampleRows(pixels, width * channels, planTaps(height, height * scale));
  return resampleColumns(rows, width, planTaps(width, width * scale), channels);
}

/** Whether the rows come first: the axis that shrinks most does; of equals, the rows. */
export function rowsFirst(from: Size, to: Size): boolean {
  return to.height / from.height <= to.width / from.width;
}

/** Plans one axis, from `size` to `length` pixels. */
export function planTaps(size: number, length: number): Taps {
  const scale = length / size;
  const shrink = Math.min(scale, 1);
  const count = Math.ceil(KERNEL_WIDTH / shrink) + 1;
  const indices = new Int32Array(length * count);
  const weights = new Float64Array(length * count);
  for (let out = 0; out < length; out++) {
    const centre = (out + 0.5) / scale - 0.5;
    const first = Math.floor(centre - KERNEL_WIDTH / shrink / 2);
    let sum = 0;
    for (let tap = 0; tap < count; tap++) {
      indices[out * count + tap] = mirror(first + tap, size);
      sum += weights[out * count + tap] = cubic(shrink * (centre - first - tap));
    }
    for (let tap = 0; tap < count; tap++) (weights[out * count + tap] as number) /= sum;
  }
  return { count, indices, weights };
}

/** The taps of some output pixels, of a picture that begins at `offset` of the axis. */
export function sliceTaps(taps: Taps, from: number, to: number, offset: number): Taps {
  const { count } = taps;
  const indices = taps.indices.slice(from * count, to * count).map((index) => index - offset);
  return { count, indices, weights: taps.weights.subarray(from * count, to * count) };
}

/** Keys' cubic convolution kernel, a = -0.5. */
function cubic(distance: number): number {
  const x = Math.abs(distance);
  if (x <= 1) return (1.5 * x - 2.5) * x * x + 1;
  return x <= 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

/** Brings a position back into [0, size): the border pixel is repeated. */
function mirror(position: number, size: number): number {
  const folded = ((position % (2 * size)) + 2 * size) % (2 * size);
  return Math.min(folded, 2 * size - 1 - folded);
}

/** Resamples along the first axis: rows of `stride` values. */
export function resampleRows<Kind extends Levels>(
  source: Kind,
  stride: number,
  { count, indices, weights }: Taps,
): Kind {
  const out = levelsLike(source, (indices.length / count) * stride);
  const most = mostOf(source);
  const sums = new Float64Array(stride);
  for (let to = 0, tap = 0; to < out.length; to += stride) {
    sums.fill(0);
    for (const end = tap + count; tap < end; tap++) {
      const weight = weights[tap] as number;
      if (weight === 0) continue;
      const from = (indices[tap] as number) * stride;
      for (let at = 0; at < stride; at++) {
        (sums[at] as number) += weight * (source[from + at] as number);
      }
    }
    for (let at = 0; at < stride; at++) out[to + at] = level(sums[at] as number, most);
  }
  return out;
}

/** Resamples along the second axis: rows of `width` pixels. */
export function resampleColumns<Kind extends Levels>(
  source: Kind,
  width: number,
  { count, indices, weights }: Taps,
  channels = 4,
): Kind {
  const stride = width * channels;
  const out = levelsLike(source, (source.length / width) * (indices.length / count));
  const most = mostOf(source);
  for (let start = 0, to = 0; start < source.length; start += stride) {
    for (let first = 0; first < indices.length; first += count) {
      for (let channel = 0; channel < channels; channel++, to++) {
        let sum = 0;
        for (let tap = first; tap < first + count; tap++) {
          const from = start + (indices[tap] as number) * channels + channel;
          sum += (weights[tap] as number) * (source[from] as number);
        }
        out[to] = level(sum, most);
      }
    }
  }
  return out;
}

/** A sum as a level, rounded half up. */
function level(sum: number, most: number): number {
  return Math.min(Math.max(Math.floor(sum + 0.5), 0), most);
}
