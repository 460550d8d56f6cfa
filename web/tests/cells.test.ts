import { describe, expect, it } from "vitest";
import { Cells, remaining } from "../src/tiles/cells";
import { contains, intersect, unite } from "../src/tiles/rects";
import type { Rect } from "../src/tiles/tiles";

const photo = { width: 1000, height: 700 };
const cells = new Cells(photo, 128, 11);

function covered(seen: Rect, parts: readonly Rect[]): boolean {
  for (let y = seen.y; y < seen.y + seen.height; y++) {
    for (let x = seen.x; x < seen.x + seen.width; x++) {
      const pixel = { x, y, width: 1, height: 1 };
      if (!parts.some((part) => contains(part, pixel))) return false;
    }
  }
  return true;
}

describe("the pieces of a view", () => {
  const seen = { x: 333, y: 101, width: 271, height: 203 };
  const pieces = cells.pieces(seen);

  it("cover all that is seen", () => {
    expect(
      covered(
        seen,
        pieces.map(({ part }) => part),
      ),
    ).toBe(true);
  });

  it("begin nearest to the centre", () => {
    const centre = { x: 333 + 135, y: 101 + 101, width: 1, height: 1 };
    expect(pieces.slice(0, 4).some(({ part }) => intersect(part, centre))).toBe(true);
    const last = pieces.at(-1)?.part as Rect;
    expect(intersect(last, centre)).toBeNull();
  });

  it("do not compute cells that are not seen", () => {
    const around = { x: seen.x - 18, y: seen.y - 18, width: 271 + 36, height: 203 + 36 };
    for (const { part } of pieces) expect(contains(around, part)).toBe(true);
  });

  it("stay the same for a small step to the side", () => {
    const step = cells.pieces({ ...seen, x: seen.x + 1 });
    const same = step.filter(({ cell, part }) =>
      pieces.some((before) => before.cell === cell && contains(before.part, part)),
    );
    expect(same.length).toBeGreaterThan(step.length / 2);
  });

  it("stay within a photo of one pixel", () => {
    const tiny = new Cells({ width: 1, height: 1 }, 128, 11);
    const whole = { x: 0, y: 0, width: 1, height: 1 };
    expect(tiny.pieces(whole)).toEqual([{ cell: "0.0", part: whole }]);
  });
});

describe("what remains of a piece", () => {
  const part = { x: 16, y: 16, width: 32, height: 32 };
  const piece = { cell: "0.0", part };

  it("is all of it when nothing is there", () => {
    expect(remaining(piece, undefined)).toBe(piece);
  });

  it("is nothing when more is there", () => {
    expect(remaining(piece, { x: 0, y: 0, width: 64, height: 64 })).toBeNull();
  });

  it("is both together otherwise, so that what is there stays", () => {
    const have = { x: 0, y: 16, width: 32, height: 16 };
    expect(remaining(piece, have)?.part).toEqual(unite(have, part));
  });
});
