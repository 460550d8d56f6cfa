/** Pixels of 8 or 16 bits, and what is done to them alike. */

import type { Rect } from "../tiles/tiles";

export type Levels = Uint8ClampedArray<ArrayBuffer> | Uint16Array<ArrayBuffer>;

/** (height, width, 4), not premultiplied. */
export interface Picture<Kind extends Levels = Levels> {
  readonly data: Kind;
  readonly width: number;
  readonly height: number;
}

/** The level of white. */
export function mostOf(levels: Levels): number {
  return levels instanceof Uint16Array ? 0xffff : 0xff;
}

/** As many zeros of the same type. */
export function levelsLike<Kind extends Levels>(levels: Kind, length: number): Kind {
  return (
    levels instanceof Uint16Array ? new Uint16Array(length) : new Uint8ClampedArray(length)
  ) as Kind;
}

/** A part of a picture of as many channels. */
export function cut<Kind extends Levels>(
  levels: Kind,
  stride: number,
  { x, y, width, height }: Rect,
  channels = 4,
): Kind {
  const row = width * channels;
  const part = levelsLike(levels, row * height);
  for (let to = 0, from = (y * stride + x) * channels; to < part.length; to += row) {
    part.set(levels.subarray(from, from + row), to);
    from += stride * channels;
  }
  return part;
}

/** Lays a picture on white; what is mixed are the stored values, as browsers do it. */
export function layOnWhite(levels: Levels): void {
  const most = mostOf(levels);
  for (let at = 0; at < levels.length; at += 4) {
    const share = (levels[at + 3] as number) / most;
    for (let colour = at; colour < at + 3; colour++) {
      levels[colour] = Math.round((levels[colour] as number) * share + most * (1 - share));
    }
    levels[at + 3] = most;
  }
}

/**
 * Gives transparent pixels the colours of those around them, as the Python package does
 * (`fill_transparent`): what is stored there, mostly black, would bleed into the visible edge. By
 * the pull-push of Gortler et al., The Lumigraph, 1996.
 *
 * @param picture its pixels with any alpha keep their colours
 */
export function fillTransparent({ data, width, height }: Picture): void {
  const most = mostOf(data);
  const sums = new Float32Array(data.length);
  for (let at = 0; at < data.length; at += 4) {
    const weight = (data[at + 3] as number) / most;
    for (let colour = 0; colour < 3; colour++) {
      sums[at + colour] = (data[at + colour] as number) * weight;
    }
    sums[at + 3] = weight;
  }
  const filled = pullPush(sums, width, height);
  for (let at = 0; at < data.length; at += 4) {
    if (data[at + 3] !== 0) continue;
    for (let colour = at; colour < at + 3; colour++) {
      data[colour] = Math.min(Math.floor((filled[colour] as number) + 0.5), most);
    }
  }
}

/**
 * Means of 2x2 pixels, again and again until no hole is left, then back down into the holes.
 *
 * @param sums (height, width, 4): colours times their weight, and that weight, at most 1
 * @returns the colours
 */
function pullPush(sums: Float32Array, width: number, height: number): Float32Array {
  const [across, down] = [(width + 1) >> 1, (height + 1) >> 1];
  const isHole = (at: number): boolean => sums[at + 3] === 0;
  const means = sums.map((value, index) => {
    const weight = sums[index | 3] as number;
    return weight > 0 && index % 4 < 3 ? value / weight : 0;
  });
  let holes = 0;
  for (let at = 0; at < sums.length; at += 4) if (isHole(at)) holes++;
  if (holes === 0 || width * height === 1) return means;
  const coarse = pullPush(halveSums(sums, width, height), across, down);
  for (let at = 0; at < sums.length; at += 4) {
    if (!isHole(at)) continue;
    const [x, y] = [(at / 4) % width, Math.floor(at / 4 / width)];
    const from = ((y >> 1) * across + (x >> 1)) * 4;
    for (let colour = 0; colour < 3; colour++) means[at + colour] = coarse[from + colour] as number;
  }
  return means;
}

/** Adds up 2x2 pixels each; their colours count together no more than one pixel's. */
function halveSums(sums: Float32Array, width: number, height: number): Float32Array {
  const [across, down] = [(width + 1) >> 1, (height + 1) >> 1];
  const half = new Float32Array(across * down * 4);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 4) {
      const to = ((y >> 1) * across + (x >> 1)) * 4;
      for (let value = 0; value < 4; value++) {
        half[to + value] = (half[to + value] as number) + (sums[at + value] as number);
      }
    }
  }
  for (let at = 0; at < half.length; at += 4) {
    const weight = half[at + 3] as number;
    if (weight <= 1) continue;
    for (let value = 0; value < 4; value++)
      half[at + value] = (half[at + value] as number) / weight;
  }
  return half;
}
