import { createHash } from "node:crypto";
import { afterEach, describe, expect, it, vi } from "vitest";
import { sha256Hex } from "../src/engine/sha256";
import { fromNchw, halve, largestDifference, toNchw } from "../src/engine/tensor";

const eight = new Uint8ClampedArray();
const whole = { x: 0, y: 0, width: 2, height: 1 };

describe("pixels and numbers", () => {
  it("are laid out plane by plane, without alpha", () => {
    const nchw = toNchw(Uint8ClampedArray.of(255, 0, 51, 9, 0, 255, 102, 9));
    expect([...nchw].map((value) => Number(value.toFixed(6)))).toEqual([1, 0, 0, 1, 0.2, 0.4]);
  });

  it("come back as they were, every level of them", () => {
    const levels = Uint8ClampedArray.from({ length: 256 * 4 }, (_, at) =>
      at % 4 === 3 ? 255 : Math.floor(at / 4),
    );
    const crop = { x: 0, y: 0, width: 256, height: 1 };
    expect(fromNchw(toNchw(levels), 256, crop, levels)).toEqual(levels);
  });

  it("of 16 bits come back, too, and clamped", () => {
    const levels = Uint16Array.of(0, 1, 65534, 65535, 65535, 256, 257, 65535);
    expect(fromNchw(toNchw(levels), 2, whole, levels)).toEqual(levels);
    const nchw = Float32Array.of(-3, 2, 0, 0, 0, 0);
    expect([...fromNchw(nchw, 2, whole, levels)].slice(0, 5)).toEqual([0, 0, 0, 65535, 65535]);
  });

  it("are clamped, rounded half up, and opaque", () => {
    const half = 0.5 / 255; // exactly between two levels in float32
    const nchw = Float32Array.of(-3, 2, half, 3 * half, 0.999, 1);
    expect([...fromNchw(nchw, 2, whole, eight)]).toEqual([0, 1, 255, 255, 255, 2, 255, 255]);
  });

  it("are cut to the part that is wanted", () => {
    const nchw = Float32Array.from({ length: 3 * 4 * 3 }, (_, at) => (at % 12) / 255);
    const rgba = fromNchw(nchw, 4, { x: 1, y: 1, width: 2, height: 2 }, eight);
    expect([rgba[0], rgba[4], rgba[8], rgba[12]]).toEqual([5, 6, 9, 10]);
  });
});

describe("halving", () => {
  it("takes the mean of four, rounded", () => {
    const rows = [
      [10, 20, 0, 0],
      [20, 31, 255, 255],
    ];
    const rgba = Uint8ClampedArray.from(rows.flat().flatMap((level) => [level, level, level, 255]));
    expect([...halve(rgba, 4)]).toEqual([20, 20, 20, 255, 128, 128, 128, 255]);
  });
});

describe("differences", () => {
  it("are the largest of all", () => {
    expect(largestDifference(Uint8ClampedArray.of(1, 9), Uint8ClampedArray.of(3, 8))).toBe(2);
  });

  it("of pictures of two sizes are as large as can be", () => {
    expect(largestDifference(new Uint8ClampedArray(4), new Uint8ClampedArray(8))).toBe(255);
  });
});

describe("a model's checksum", () => {
  const bytes = Uint8Array.from({ length: 1000 }, (_, at) => at * 7);
  const expected = createHash("sha256").update(bytes).digest("hex");
  afterEach(() => vi.unstubAllGlobals());

  it("is the browser's own where the page is secure", async () => {
    expect(await sha256Hex(bytes)).toBe(expected);
  });

  it("is the same where the browser has none", async () => {
    vi.stubGlobal("crypto", {});
    expect(await sha256Hex(bytes)).toBe(expected);
  });
});
