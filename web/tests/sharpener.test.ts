import { describe, expect, it } from "vitest";
import { Cells } from "../src/tiles/cells";
import type { Rect } from "../src/tiles/tiles";
import type { Layer } from "../src/view/layers";
import { patchBytes, Sharpener } from "../src/view/sharpener";

const photo = { width: 4000, height: 3000 };
const seen = { x: 1000, y: 900, width: 427, height: 267 };

/** A layer that takes a moment for each piece, and notes what it was asked. */
class Slow implements Layer {
  readonly id = "slow";
  readonly scale = 4;
  readonly cells = new Cells(photo, 128, 11);
  readonly asked: Rect[] = [];
  open = 0;
  constructor(private readonly moment: () => Promise<void> = async () => {}) {}

  async compute({ part }: { part: Rect }, _half: boolean, _signal: AbortSignal) {
    this.asked.push(part);
    await this.moment();
    this.open++;
    return { close: () => this.open-- } as unknown as ImageBitmap;
  }
}

describe("a view that rests", () => {
  it("is sharpened once, and found again", async () => {
    let drawn = 0;
    const sharpener = new Sharpener(64 * 2 ** 20, () => drawn++);
    const layer = new Slow();
    expect(await sharpener.sharpen(layer, seen, false, 1)).toBe(true);
    expect(layer.asked.length).toBe(layer.cells.pieces(seen).length);
    expect(drawn).toBe(layer.asked.length);
    expect(sharpener.isSharp(layer, seen, false, 1)).toBe(true);
    expect(await sharpener.sharpen(layer, seen, false, 1)).toBe(true);
    expect(layer.asked.length).toBe(drawn);
    expect(sharpener.visible(layer, seen, false).length).toBe(drawn);
  });

  it("is not sharp by what was kept at half the size", async () => {
    const sharpener = new Sharpener(64 * 2 ** 20, () => {});
    const layer = new Slow();
    await sharpener.sharpen(layer, seen, true, 1);
    expect(sharpener.isSharp(layer, seen, true, 1)).toBe(true);
    expect(sharpener.isSharp(layer, seen, false, 1)).toBe(false);
  });
});

describe("a view that moves", () => {
  it("drops what has not begun, and keeps what is there", async () => {
    const sharpener = new Sharpener(64 * 2 ** 20, () => {});
    const layer: Slow = new Slow(async () => {
      if (layer.asked.length > 3) sharpener.stop();
    });
    expect(await sharpener.sharpen(layer, seen, false, 1)).toBe(false);
    expect(layer.asked.length).toBeLessThanOrEqual(5);
    const kept = sharpener.usage.tiles;
    expect(kept).toBeGreaterThan(0);
    expect(layer.open).toBe(kept); // what came too late is closed
  });
});

describe("memory", () => {
  it("stays under its limit, wherever one looks", async () => {
    const limit = 6 * 2 ** 20;
    const sharpener = new Sharpener(limit, () => {});
    const layer = new Slow();
    for (let x = 0; x < 3500; x += 300) {
      await sharpener.sharpen(layer, { ...seen, x }, false, 1);
      expect(sharpener.usage.bytes).toBeLessThanOrEqual(limit);
      expect(layer.open).toBe(sharpener.usage.tiles);
    }
  });

  it("is not wasted on a view that it cannot hold: the centre stays", async () => {
    const sharpener = new Sharpener(2 * 2 ** 20, () => {});
    const layer = new Slow();
    expect(await sharpener.sharpen(layer, seen, false, 1)).toBe(true);
    expect(sharpener.isSharp(layer, seen, false, 1)).toBe(true);
    expect(layer.asked.length).toBeLessThan(layer.cells.pieces(seen).length);
    expect(sharpener.usage.tiles).toBe(layer.asked.length);
  });

  it("is given back with the photo", async () => {
    const sharpener = new Sharpener(64 * 2 ** 20, () => {});
    const layer = new Slow();
    await sharpener.sharpen(layer, seen, false, 1);
    sharpener.clear();
    expect([layer.open, sharpener.usage.bytes]).toEqual([0, 0]);
  });

  it("is less where the device says that it has little", () => {
    expect(patchBytes(1)).toBeLessThan(patchBytes(8));
    expect(patchBytes(undefined)).toBe(patchBytes(8));
  });
});
