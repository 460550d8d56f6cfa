import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { inflateSync } from "node:zlib";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Catalogue, Model, StrengthTable } from "../src/engine/catalogue";
import { mixWeights } from "../src/engine/mixing";
import { chooseNetwork, rememberedRestore, strengthAt } from "../src/engine/restore";
import { BAND_ROWS, bandTops, estimateNoise, readCompression } from "../src/imaging/degradation";
import { fileOf } from "./files";

interface Golden {
  readonly jpeg: readonly { file: string; quality: number | null }[];
  readonly webp: readonly { file: string; compression: { quality: number | null } | null }[];
  readonly noise: readonly { width: number; height: number; rgb: string; noise: number }[];
  readonly bands: readonly { width: number; height: number; tops: number[] }[];
  readonly strengths: {
    readonly table: StrengthTable;
    readonly at: readonly { quality: number; noise: number; strength: number }[];
  };
  readonly mixing: {
    readonly clean: string;
    readonly twin: string;
    readonly mixed: readonly { strength: number; sha256: string }[];
  };
}

/** What the Python package's tests are held to as well. */
const golden: Golden = JSON.parse(
  readFileSync(new URL("../../tests/golden/restore.json", import.meta.url), "utf8"),
);
const { table } = golden.strengths;

function bytesOf(base64: string): Uint8Array {
  return new Uint8Array(Buffer.from(base64, "base64"));
}

describe("the quality of a JPEG", () => {
  it.each(golden.jpeg)("is $quality", ({ file, quality }) => {
    expect(readCompression(bytesOf(file), "jpeg")).toEqual({ quality });
  });

  it("is unknown where the tables are cut off, which is no fault", () => {
    const file = bytesOf(golden.jpeg[0]?.file ?? "");
    for (let length = 3; length < 100; length++) {
      expect(readCompression(file.subarray(0, length), "jpeg")).toEqual({ quality: null });
    }
  });
});

describe("other files", () => {
  const webp = (...chunks: [string, number][]): Uint8Array =>
    fileOf(
      "RIFF",
      [0, 0, 0, 0],
      "WEBP",
      ...chunks.flatMap(([kind, size]) => [
        kind,
        [size, 0, 0, 0],
        Array(size + (size % 2)).fill(0),
      ]),
    );

  it.each(["png", "gif", "bmp"] as const)("%s lost nothing", (format) => {
    expect(readCompression(new Uint8Array(64), format)).toBeNull();
  });

  it.each(["avif", "heic"] as const)("%s lost something unknown", (format) => {
    expect(readCompression(new Uint8Array(64), format)).toEqual({ quality: null });
  });

  it.each(golden.webp)("WebP lost $compression.quality", ({ file, compression }) => {
    const found = readCompression(bytesOf(file), "webp");
    if (!compression?.quality) return expect(found).toEqual(compression);
    return expect(found?.quality).toBeCloseTo(compression.quality, 9);
  });

  it("WebP may have lost something or nothing", () => {
    expect(readCompression(webp(["VP8L", 6]), "webp")).toBeNull();
    expect(readCompression(webp(["VP8X", 10], ["ICCP", 3], ["VP8L", 6]), "webp")).toBeNull();
    expect(readCompression(webp(["VP8X", 10], ["VP8 ", 6]), "webp")).toEqual({ quality: null });
    expect(readCompression(webp(), "webp")).toEqual({ quality: null });
  });
});

describe("noise", () => {
  it.each(golden.noise)("is $noise", ({ width, height, rgb, noise }) => {
    const pixels = inflateSync(bytesOf(rgb));
    const rgba = Uint8ClampedArray.from({ length: width * height * 4 }, (_, at) =>
      at % 4 === 3 ? 255 : (pixels[Math.floor(at / 4) * 3 + (at % 4)] as number),
    );
    const bands = bandTops(width, height).map((top) =>
      rgba.subarray(top * width * 4, (top + BAND_ROWS) * width * 4),
    );
    expect(estimateNoise(bands, width)).toBeCloseTo(noise, 9);
  });

  it.each(golden.bands)("of $width x $height is looked for where the package does", (photo) => {
    expect(bandTops(photo.width, photo.height)).toEqual(photo.tops);
  });
});

describe("mixed weights", () => {
  const [clean, twin] = [bytesOf(golden.mixing.clean), bytesOf(golden.mixing.twin)];

  it.each(golden.mixing.mixed)("at $strength are the package's, byte for byte", (wanted) => {
    const mixed = mixWeights(clean, twin, wanted.strength);
    expect(createHash("sha256").update(mixed).digest("hex")).toBe(wanted.sha256);
  });

  it("leave the files as they are", () => {
    mixWeights(clean, twin, 0.5);
    expect(clean).toEqual(bytesOf(golden.mixing.clean));
    expect(mixWeights(clean, twin, 0)).toEqual(clean);
  });

  it.each([0, 1, 100, twin.length - 1])("are refused of a twin cut off after %i", (length) => {
    expect(() => mixWeights(clean, twin.subarray(0, length), 0.5)).toThrow(RangeError);
  });
});

describe("the strength", () => {
  it.each(golden.strengths.at)("for $quality, $noise is $strength", (wanted) => {
    expect(strengthAt(table, wanted.quality, wanted.noise)).toBe(wanted.strength);
  });

  const model = { name: "tiny-x4", twin: { name: "tiny-restore-x4", strengths: table } } as Model;
  const catalogue = { assumedQuality: 90 } as Catalogue;
  const jpeg = { quality: 50, noise: 0 };

  it.each([
    ["auto", null, 0, null],
    ["auto", jpeg, 1, "heavy"],
    ["auto", { quality: 90, noise: 0 }, 0.5, "light"],
    ["auto", { quality: null, noise: 0 }, 0.5, "light"],
    ["auto", { quality: 100, noise: 3 }, 0.625, "noise"],
    ["auto", { quality: 100, noise: 0 }, 0, null],
    ["off", jpeg, 0, null],
    ["strong", jpeg, 1, "strong"],
    ["strong", null, 1, "strong"],
  ] as const)("by %s of %j is %s", (restore, degradation, strength, cleaned) => {
    const chosen = chooseNetwork(catalogue, model, restore, degradation);
    expect(chosen).toEqual({ model, strength, cleaned });
  });

  it("is none for a model without a twin", () => {
    const alone = { ...model, twin: null };
    expect(chooseNetwork(catalogue, alone, "strong", jpeg).strength).toBe(0);
  });
});

describe("the choice", () => {
  beforeEach(() => vi.unstubAllGlobals());

  it.each([
    ["strong", "strong"],
    ["sometimes", "auto"],
    [null, "auto"],
  ])("remembered as %s is %s", (kept, expected) => {
    vi.stubGlobal("localStorage", { getItem: () => kept });
    expect(rememberedRestore()).toBe(expected);
  });
});
