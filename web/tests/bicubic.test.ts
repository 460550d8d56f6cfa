import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { enlargeBicubic } from "../src/imaging/bicubic";

interface Enlargement {
  readonly height: number;
  readonly width: number;
  readonly scale: number;
  readonly lr: readonly number[];
  readonly sr: readonly number[];
}

/** What the Python package's bicubic, which equals MATLAB's, makes of small pictures. */
const golden: { enlargements: Enlargement[] } = JSON.parse(
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
