import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Photo } from "../src/app/photo";
import { estimateSeconds, type Task, upscalePhoto } from "../src/app/upscale";
import type { Bridge } from "../src/engine/bridge";
import type { Model } from "../src/engine/catalogue";
import type { Engine } from "../src/engine/engine";
import type { PixelsApi } from "../src/imaging/pixels.worker";

const model = { name: "m", scale: 2, halo: 10, values_per_pixel: 300 } as Model;
const photo = { width: 900, height: 600 } as Photo;
const part = { x: 0, y: 0, width: 900, height: 600 };

/** An engine that is thought to take 0.01 ms for a pixel, and computes nothing. */
function engineOf(learned: number[]): Engine {
  return {
    msPerPixel: () => 0.01,
    expectedMsPerPixel: () => 0.01,
    learn: (_: Model, msPerPixel: number) => learned.push(msPerPixel),
    pixels: async () => ({ data: new Uint8ClampedArray(4) }),
  } as unknown as Engine;
}

const pixels = { call: async () => new Blob() } as unknown as Bridge<PixelsApi>;

beforeEach(() => void vi.stubGlobal("navigator", { deviceMemory: 2 }));
afterEach(() => vi.unstubAllGlobals());

describe("the time that a photo takes", () => {
  it("counts what is computed twice, around each tile", () => {
    const alone = (900 * 600 * 0.01) / 1000;
    const expected = estimateSeconds(engineOf([]), model, photo, part);
    expect(expected).toBeGreaterThan(alone);
    expect(expected).toBeLessThan(1.5 * alone);
    vi.stubGlobal("navigator", { deviceMemory: 8 }); // larger tiles, of which less overlaps
    const larger = estimateSeconds(engineOf([]), model, photo, part);
    expect(larger).toBeGreaterThan(alone);
    expect(larger).toBeLessThan(expected);
  });

  it("is learned as tiles finish, to the last of them", async () => {
    vi.stubGlobal("createImageBitmap", async () => ({}));
    const learned: number[] = [];
    const shares: number[] = [];
    const task = {
      photo,
      network: { model, strength: 0, cleaned: null },
      part,
      size: { width: 1800, height: 1200 },
      label: "x2",
      format: "png",
      quality: 1,
      keep: { details: true, place: false, transparency: true },
      signal: new AbortController().signal,
      onProgress: (share) => shares.push(share),
    } satisfies Task;
    await upscalePhoto(engineOf(learned), pixels, task);
    expect(shares.length).toBeGreaterThan(2);
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(shares.at(-1)).toBe(1);
    expect(learned).toHaveLength(shares.length);
    expect(learned.at(-1)).toBeLessThan(0.01); // this one computes nothing
  });
});
