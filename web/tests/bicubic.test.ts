import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { enlargeBicubic } from "../src/imaging/bicubic";
import type { Encoder } from "../src/imaging/encoder";
import type { Levels } from "../src/imaging/levels";
import { Shrinker } from "../src/imaging/shrinker";
import { planAxis, type Rect } from "../src/tiles/tiles";

interface Enlargement {
  readonly height: number;
  readonly width: number;
  readonly scale: number;
  readonly lr: readonly number[];
  readonly sr: readonly number[];
}

interface Shrink {
  readonly height: number;
  readonly width: number;
  readonly to: readonly [number, number];
  readonly image: readonly number[];
  readonly small: readonly number[];
}

/** What the Python package's bicubic, which equals MATLAB's, makes of small pictures. */
const golden: { enlargements: Enlargement[]; shrinks: Shrink[] } = JSON.parse(
  readFileSync(new URL("../../tests/golden/bicubic.json", import.meta.url), "utf8"),
);

function opaque(rgb: readonly number[]): Uint8ClampedArray<ArrayBuffer> {
  const pixels = Array.from({ length: rgb.length / 3 }, (_, at) => rgb.slice(3 * at, 3 * at + 3));
  return Uint8ClampedArray.from(pixels.flatMap((pixel) => [...pixel, 255]));
}

it.each(golden.enlargements)("$width x $height, enlarged $scale times, is the package's", (one) => {
  const found = enlargeBicubic(opaque(one.lr), one, one.scale);
  expect(found).toEqual(opaque(one.sr));
});

/** Keeps what it is given, whole rows one after another. */
class Collector implements Encoder {
  readonly values: number[] = [];
  rows = 0;

  constructor(private readonly width: number) {}

  async add(pixels: Levels, { x, y, width, height }: Rect): Promise<void> {
    expect([x, y, width]).toEqual([0, this.rows, this.width]);
    this.rows += height;
    this.values.push(...pixels);
  }

  finish = async (): Promise<Blob> => new Blob();
  abort = async (): Promise<void> => {};
}

async function shrunk({ height, width, to, image }: Shrink, tile: number): Promise<number[]> {
  const collector = new Collector(to[1]);
  const size = { height: to[0], width: to[1] };
  const shrinker = new Shrinker(collector, { height, width }, size);
  const whole = opaque(image);
  for (const { coreStart: y, coreStop: bottom } of planAxis(height, tile, 0)) {
    for (const { coreStart: x, coreStop: right } of planAxis(width, tile, 0)) {
      const rows = Array.from({ length: bottom - y }, (_, row) => {
        const at = ((y + row) * width + x) * 4;
        return [...whole.subarray(at, at + (right - x) * 4)];
      });
      const place = { x, y, width: right - x, height: bottom - y };
      await shrinker.add(Uint8ClampedArray.from(rows.flat()), place);
    }
  }
  expect(collector.rows).toBe(to[0]);
  return collector.values;
}

describe.each(golden.shrinks)("$width x $height, shrunk to $to", (one) => {
  it.each([1, 3, 100])("is the package's, from tiles of %i", async (tile) => {
    expect(await shrunk(one, tile)).toEqual([...opaque(one.small)]);
  });
});
