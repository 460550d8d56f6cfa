/**
 * Bicubic enlargement, as MATLAB's `imresize` and the Python package's `imaging/resize.py`: Keys'
 * cubic with a = -0.5, rows first, rounded to integers between the passes, mirrored at the borders.
 */

import type { Size } from "../view/view";
import { type Levels, levelsLike, mostOf } from "./levels";

interface Taps {
  /** Positions in the input, four for each output pixel. */
  readonly indices: Int32Array;
  readonly weights: Float64Array;
}

const TAPS = 4;

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
  const rows = resampleRows(pixels, width * channels, planTaps(height, scale));
  return resampleColumns(rows, width, channels, planTaps(width, scale));
}

function planTaps(size: number, scale: number): Taps {
  const length = size * scale;
  const indices = new Int32Array(length * TAPS);
  const weights = new Float64Array(length * TAPS);
  for (let out = 0; out < length; out++) {
    const centre = (out + 0.5) / scale - 0.5;
    const first = Math.floor(centre) - 1;
    for (let tap = 0; tap < TAPS; tap++) {
      indices[out * TAPS + tap] = mirror(first + tap, size);
      weights[out * TAPS + tap] = cubic(centre - first - tap);
    }
  }
  return { indices, weights };
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

function resampleRows<Kind extends Levels>(
  source: Kind,
  stride: number,
  { indices, weights }: Taps,
): Kind {
  const count = indices.length / TAPS;
  const out = levelsLike(source, count * stride);
  const most = mostOf(source);
  for (let row = 0; row < count; row++) {
    const tap = row * TAPS;
    const [a, b, c, d] = offsets(indices, tap, stride);
    const [wa, wb, wc, wd] = four(weights, tap);
    for (let at = 0, to = row * stride; at < stride; at++, to++) {
      const sum =
        wa * (source[a + at] as number) +
        wb * (source[b + at] as number) +
        wc * (source[c + at] as number) +
        wd * (source[d + at] as number);
      out[to] = Math.min(Math.max(Math.floor(sum + 0.5), 0), most);
    }
  }
  return out;
}

function resampleColumns<Kind extends Levels>(
  source: Kind,
  width: number,
  channels: number,
  { indices, weights }: Taps,
): Kind {
  const [from, to] = [width * channels, (indices.length / TAPS) * channels];
  const out = levelsLike(source, (source.length / from) * to);
  const most = mostOf(source);
  for (let column = 0; column < to / channels; column++) {
    const tap = column * TAPS;
    const [a, b, c, d] = offsets(indices, tap, channels);
    const [wa, wb, wc, wd] = four(weights, tap);
    for (let at = 0, start = column * channels; at < source.length; at += from, start += to) {
      for (let channel = 0; channel < channels; channel++) {
        const sum =
          wa * (source[a + at + channel] as number) +
          wb * (source[b + at + channel] as number) +
          wc * (source[c + at + channel] as number) +
          wd * (source[d + at + channel] as number);
        out[start + channel] = Math.min(Math.max(Math.floor(sum + 0.5), 0), most);
      }
    }
  }
  return out;
}

type Four = [number, number, number, number];

function offsets(indices: Int32Array, tap: number, stride: number): Four {
  return four(indices, tap).map((index) => index * stride) as Four;
}

function four(values: Int32Array | Float64Array, at: number): Four {
  return [...values.subarray(at, at + TAPS)] as Four;
}
