import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { coreOf, planAxis, planTiles, type Span, tileSide, windowOf } from "../src/tiles/tiles";

interface GoldenPlan {
  readonly height: number;
  readonly width: number;
  readonly tile: number;
  readonly halo: number;
  readonly tiles: readonly (readonly number[])[];
}

/** The plans that the Python runtime's tests are held to as well. */
const golden: { plans: GoldenPlan[] } = JSON.parse(
  readFileSync(new URL("../../tests/golden/tiles.json", import.meta.url), "utf8"),
);

function flat({ start, stop, coreStart, coreStop }: Span): number[] {
  return [start, stop, coreStart, coreStop];
}

describe("plans", () => {
  it("are there to be compared with", () => {
    expect(golden.plans.length).toBeGreaterThan(3);
  });

  it.each(golden.plans)("$height x $width, tile $tile, halo $halo: as the runtime's", (plan) => {
    const tiles = planTiles(plan.height, plan.width, plan.tile, plan.halo);
    const found = tiles.map(({ rows, columns }) => [...flat(rows), ...flat(columns)]);
    expect(found).toEqual(plan.tiles);
  });

  it.each([
    [0, 8, 1],
    [8, 0, 1],
    [8, 8, -1],
  ])("refuse size %i, tile %i, halo %i", (size, tile, halo) => {
    expect(() => planAxis(size, tile, halo)).toThrow(RangeError);
  });

  it("cover each pixel once, with context on both sides", () => {
    for (let size = 1; size < 300; size += 7) {
      const spans = planAxis(size, 32, 9);
      const cores = spans.flatMap(({ coreStart, coreStop }) =>
        Array.from({ length: coreStop - coreStart }, (_, index) => coreStart + index),
      );
      expect(cores).toEqual(Array.from({ length: size }, (_, index) => index));
      for (const { start, stop, coreStart, coreStop } of spans) {
        expect(start).toBeLessThanOrEqual(Math.max(0, coreStart - 9));
        expect(stop).toBeGreaterThanOrEqual(Math.min(size, coreStop + 9));
      }
    }
  });

  it("turn into rectangles", () => {
    const tile = {
      rows: { start: 2, stop: 30, coreStart: 5, coreStop: 25 },
      columns: { start: 0, stop: 40, coreStart: 0, coreStop: 33 },
    };
    expect(windowOf(tile)).toEqual({ x: 0, y: 2, width: 40, height: 28 });
    expect(coreOf(tile)).toEqual({ x: 0, y: 5, width: 33, height: 20 });
  });
});

describe("a tile's side", () => {
  const cost = { halo: 10, valuesPerPixel: 100, msPerPixel: 0.01 };

  it("is bounded by memory", () => {
    const window = tileSide(cost, 4 * 100 * 64 ** 2, 1e9) + 2 * cost.halo;
    expect(window).toBe(64);
  });

  it("is bounded by time", () => {
    const window = tileSide(cost, 1e12, 0.01 * 80 ** 2) + 2 * cost.halo;
    expect(window).toBe(80);
  });

  it("knows no time before one was measured", () => {
    const untimed = { ...cost, msPerPixel: undefined };
    expect(tileSide(untimed, 4 * 100 * 64 ** 2, 0) + 2 * cost.halo).toBe(64);
  });

  it("does not go below two halos, or most of the work would be context", () => {
    expect(tileSide(cost, 1, 1)).toBe(20);
    expect(tileSide({ ...cost, halo: 0 }, 1, 1)).toBe(16);
  });
});
