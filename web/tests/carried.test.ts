import { readFileSync } from "node:fs";
import { deflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { type Loss, readCarried } from "../src/imaging/carried";
import { readHeader } from "../src/imaging/header";
import { gamutOf } from "../src/imaging/icc";
import { DISPLAY_P3 } from "../src/imaging/p3";
import { box, exifWith, fileOf, heifOf, pngOf, size, u32 } from "./files";

const carried = (file: Uint8Array) => readCarried(file, readHeader(file));
const losses = async (file: Uint8Array): Promise<readonly Loss[]> => (await carried(file)).losses;
const space = async (file: Uint8Array): Promise<string> => (await carried(file)).space;
const EXIF = exifWith(6);

/** A profile with the primaries red and green, (X, Y, Z) of D50. */
function profileOf(red: readonly number[], green: readonly number[]): Uint8Array {
  const fixed = (values: readonly number[]): Uint8Array =>
    fileOf("XYZ ", u32(0), ...values.map((value) => u32(Math.round(value * 65536) >>> 0)));
  const start = 128 + 4 + 2 * 12;
  const table = fileOf(u32(2), "rXYZ", u32(start), u32(20), "gXYZ", u32(start + 20), u32(20));
  return fileOf(Array(128).fill(0), table, fixed(red), fixed(green));
}

const SRGB = profileOf([0.4361, 0.2225, 0.0139], [0.3851, 0.7169, 0.0971]);
const ADOBE_RGB = profileOf([0.6097, 0.3111, 0.0195], [0.2053, 0.6257, 0.0609]);

function chunk(name: string, ...content: (string | Uint8Array | number[])[]): Uint8Array {
  const inside = fileOf(...content);
  return fileOf(u32(inside.length), name, inside, u32(0));
}

function pngWith(bits: number, ...chunks: Uint8Array[]): Uint8Array {
  const png = pngOf(20, 10, 2, bits);
  return fileOf(png.subarray(0, 33), ...chunks, png.subarray(33));
}

describe("colour profiles", () => {
  it("reach as far as their primaries", () => {
    const found = [SRGB, DISPLAY_P3, ADOBE_RGB].map(gamutOf);
    expect(found).toEqual(["srgb", "display-p3", "wider"]);
  });
});

describe("a PNG", () => {
  it("of 8 bits in sRGB loses nothing", async () => {
    expect(await losses(pngWith(8, chunk("iCCP", "s", [0, 0], deflateSync(SRGB))))).toEqual([]);
  });

  it("tells of films, 16 bits, wide colours, damaged EXIF and texts", async () => {
    const wide = chunk("iCCP", "adobe", [0, 0], deflateSync(ADOBE_RGB));
    const others = [chunk("acTL", u32(2), u32(0)), chunk("eXIf", [1]), chunk("tEXt", "a")];
    const file = pngWith(16, wide, ...others);
    expect(await losses(file)).toEqual(["animation", "depth", "gamut", "details", "metadata"]);
  });

  it("of Display P3 keeps its colours, and EXIF behind its pixels", async () => {
    const wide = chunk("iCCP", "p3", [0, 0], deflateSync(DISPLAY_P3));
    const file = pngWith(8, wide, chunk("IDAT"), chunk("eXIf", EXIF));
    expect(await losses(file)).toEqual([]);
    expect(await space(file)).toBe("display-p3");
    expect((await carried(file)).exif).toEqual(EXIF);
  });

  it("may name its primaries by number", async () => {
    expect(await losses(pngWith(8, chunk("cICP", [9, 13, 0, 1])))).toEqual(["gamut"]);
    expect(await space(pngWith(8, chunk("cICP", [12, 13, 0, 1])))).toBe("display-p3");
    expect(await losses(pngWith(8, chunk("cICP", [1, 13, 0, 1])))).toEqual([]);
  });

  it("with a broken profile is opened all the same", async () => {
    expect(await losses(pngWith(8, chunk("iCCP", "broken", [0, 0, 1, 2, 3])))).toEqual([]);
  });

  it("that is a real one loses nothing", async () => {
    const cat = readFileSync(new URL("../../examples/chelsea.png", import.meta.url));
    expect(await losses(new Uint8Array(cat))).toEqual([]);
  });
});

describe("a JPEG", () => {
  const segment = (marker: number, ...content: (string | Uint8Array | number[])[]): Uint8Array => {
    const inside = fileOf(...content);
    return fileOf([0xff, marker], u32(2 + inside.length).subarray(2), inside);
  };
  const frame = segment(0xc0, [8, 0, 10, 0, 20, 1, 1, 0x11, 0]);

  it("tells of wide colours and metadata", async () => {
    const icc = segment(0xe2, "ICC_PROFILE", [0, 1, 1], ADOBE_RGB);
    const exif = segment(0xe1, "Exif", [0, 0], EXIF);
    const xmp = segment(0xe1, "http://ns.adobe.com/xap/1.0/", [0]);
    const file = fileOf([0xff, 0xd8], exif, xmp, icc, frame);
    expect(await losses(file)).toEqual(["gamut", "metadata"]);
    expect((await carried(file)).exif).toEqual(EXIF);
    expect(await losses(fileOf([0xff, 0xd8], frame))).toEqual([]);
  });
});

describe("a GIF", () => {
  const head = fileOf("GIF89a", [20, 0, 10, 0, 0x80, 0, 0], Array(6).fill(0));
  const frame = [0x2c, 0, 0, 0, 0, 20, 0, 10, 0, 0, 2, 1, 0x2c, 0];
  const control = [0x21, 0xf9, 4, 0, 0, 0, 0, 0];

  it("is a film from its second picture on", async () => {
    expect(await losses(fileOf(head, control, frame, [0x3b]))).toEqual([]);
    expect(await losses(fileOf(head, control, frame, control, frame, [0x3b]))).toEqual([
      "animation",
    ]);
  });

  it("may have notes", async () => {
    const note = [0x21, 0xfe, 2, 72, 105, 0];
    expect(await losses(fileOf(head, note, frame, [0x3b]))).toEqual(["metadata"]);
    expect(await losses(fileOf(head, frame, [0x21, 0xff, 11], "XMP DataXMP", [0, 0x3b]))).toEqual([
      "metadata",
    ]);
  });
});

describe("WebP, AVIF and HEIC", () => {
  it("tell too", async () => {
    const part = (name: string, content: number[]): Uint8Array =>
      fileOf(name, [content.length, 0, 0, 0], content);
    const head = part("VP8X", [0x02, 0, 0, 0, 19, 0, 0, 9, 0, 0]);
    const webp = fileOf("RIFF", u32(0), "WEBP", head, part("ANIM", [0, 0]), part("EXIF", [0, 0]));
    expect(await losses(webp)).toEqual(["animation", "details"]); // and its EXIF is damaged
    const deep = box("pixi", u32(0), [3, 10, 10, 10]);
    const wide = box("colr", "nclx", [0, 9, 0, 13, 0, 6, 128]);
    const heic = heifOf("heic", [], box("ispe", size(20, 10)), deep, wide);
    expect(await losses(heic)).toEqual(["depth", "gamut"]);
    expect(await losses(heifOf("avif", [], box("ispe", size(20, 10))))).toEqual([]);
  });
});
