import { describe, expect, it } from "vitest";
import { cut, fillTransparent, layOnWhite } from "../src/imaging/levels";

describe("transparent pixels", () => {
  it("get the colours around them, and visible ones keep theirs", () => {
    const [width, height] = [7, 5];
    const data = new Uint8ClampedArray(width * height * 4);
    data.set([200, 100, 50, 255], 0);
    data.set([10, 20, 30, 128], (width * height - 1) * 4);
    fillTransparent({ data, width, height });
    expect([...data.subarray(0, 4)]).toEqual([200, 100, 50, 255]);
    expect([...data.subarray(-4)]).toEqual([10, 20, 30, 128]);
    expect([...data.subarray(4, 8)]).toEqual([200, 100, 50, 0]); // its neighbour's
    for (let at = 0; at < data.length; at += 4) expect(data[at]).toBeGreaterThan(0);
  });

  it("of a picture that has no others stay as they are", () => {
    const data = new Uint16Array(3 * 3 * 4);
    fillTransparent({ data, width: 3, height: 3 });
    expect(data.every((level) => level === 0)).toBe(true);
  });

  it("are laid on white", () => {
    const levels = Uint16Array.of(0, 65535, 1000, 0, 0, 65535, 1000, 65535, 0, 0, 0, 32768);
    layOnWhite(levels);
    expect([...levels]).toEqual([
      ...[65535, 65535, 65535, 65535],
      ...[0, 65535, 1000, 65535],
      ...[32767, 32767, 32767, 65535],
    ]);
  });
});

it("a part of a picture has its rows", () => {
  const levels = Uint8ClampedArray.from({ length: 12 }, (_, at) => at);
  expect([...cut(levels, 4, { x: 1, y: 1, width: 2, height: 2 }, 1)]).toEqual([5, 6, 9, 10]);
});
