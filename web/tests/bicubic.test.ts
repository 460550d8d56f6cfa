import { describe, expect, it } from "vitest";
import { enlargeBicubic } from "../src/imaging/bicubic";

function gray(...levels: number[]): Uint8ClampedArray<ArrayBuffer> {
  return new Uint8ClampedArray(levels.flatMap((level) => [level, level, level, 255]));
}

function reds(rgba: Uint8ClampedArray): number[] {
  return [...rgba].filter((_, at) => at % 4 === 0);
}

describe("enlargeBicubic", () => {
  it("leaves a plain picture plain", () => {
    expect(new Set(enlargeBicubic(gray(90, 90, 90, 90), 2, 2, 3))).toEqual(new Set([90, 255]));
  });

  // As splitsr.imaging.resize.rescale_bicubic makes of it.
  const expected = [0, 18, 73, 131, 193, 177, 83, 36];

  it("is the package's along a row", () => {
    const row = reds(enlargeBicubic(gray(0, 100, 200, 50), 4, 1, 2));
    expect(row.slice(0, 8)).toEqual(expected);
    expect(row.slice(8)).toEqual(expected); // the one row, twice
  });

  it("is the package's along a column", () => {
    const column = reds(enlargeBicubic(gray(0, 100, 200, 50), 1, 4, 2));
    expect(column.filter((_, at) => at % 2 === 0)).toEqual(expected);
  });
});
