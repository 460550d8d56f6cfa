/** EXIF of AVIF and HEIC: of real files, by libavif and libheif, and wherever one may say it is. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Carried, readCarried } from "../src/imaging/carried";
import { exifOf, orientationOf, tellsPlace } from "../src/imaging/exif";
import { checkFile } from "../src/imaging/header";
import { box, exifWith, type FilePart, fileOf, size, u32 } from "./files";

const EXIF = exifWith(6);
/** How far the TIFF header is away stands first; here it is behind JPEG's mark. */
const CONTENT = fileOf(u32(6), "Exif\0\0", EXIF);
const LENGTH = u32(CONTENT.length);
const [ONE, ITEM] = [
  [0, 1],
  [0, 7],
];
/** Places and lengths have four bytes each. */
const FOUR = 0x44;

const carried = (file: Uint8Array): Promise<Carried> => readCarried(file, checkFile(file));

/** A file of one item, EXIF, that is in `idat` behind two bytes, and at the end of the file. */
function fileWith(infe: FilePart, locate: (end: number) => readonly FilePart[]): Uint8Array {
  const build = (end: number): Uint8Array =>
    fileOf(
      box("ftyp", "heic", u32(0)),
      box(
        "meta",
        u32(0),
        box("iinf", u32(0), ONE, box("infe", infe, "Exif\0")),
        box("iloc", ...locate(end)),
        box("iprp", box("ipco", box("ispe", size(20, 10)))),
        box("idat", [0, 0], CONTENT),
      ),
      box("mdat", CONTENT),
    );
  return build(build(0).length - CONTENT.length);
}

const SHORT_ITEM = fileOf([2, 0, 0, 0], ITEM, [0, 0]);
const LONG_ITEM = fileOf([3, 0, 0, 0], [0, 0], ITEM, [0, 0]);
const HERE = [0, 0];

describe("a real photo keeps its EXIF, and its place if one likes", () => {
  it.each(["avif", "heic"])("%s", async (format) => {
    const path = new URL(`photos/cat.${format}`, import.meta.url);
    const {
      exif,
      losses,
      tellsPlace: hasPlace,
    } = await carried(new Uint8Array(readFileSync(path)));
    expect(losses).toEqual([]);
    expect(hasPlace).toBe(true);
    const kept = exifOf(exif as Uint8Array, { width: 120, height: 80 }, false) as Uint8Array;
    expect(new TextDecoder("latin1").decode(kept)).toMatch(/^MM.*Foo/s);
    expect(orientationOf(kept)).toBe(1);
    expect(tellsPlace(kept)).toBe(false);
  });
});

describe("EXIF is found", () => {
  it.each<[string, Uint8Array, (end: number) => readonly FilePart[]]>([
    [
      "in the file",
      SHORT_ITEM,
      (end) => [u32(0), [FOUR, 0], ONE, ITEM, HERE, ONE, u32(end), LENGTH],
    ],
    [
      "behind an item in two pieces",
      SHORT_ITEM,
      (end) => [
        ...[u32(0), [FOUR, 0], [0, 2], [0, 6], HERE, [0, 2], u32(1), u32(2), u32(3), u32(4)],
        ...[ITEM, HERE, ONE, u32(end), LENGTH],
      ],
    ],
    [
      "in a box of its own, from a base on",
      SHORT_ITEM,
      () => [[1, 0, 0, 0], [FOUR, 0x40], ONE, ITEM, [0, 1], HERE, u32(2), ONE, u32(0), LENGTH],
    ],
    [
      "by long numbers, behind an index",
      LONG_ITEM,
      (end) => [
        ...[[2, 0, 0, 0], [FOUR, 0x02], u32(1), u32(7), [0, 0], HERE, ONE, [0, 9]],
        ...[u32(end), LENGTH],
      ],
    ],
  ])("%s", async (_, infe, locate) => {
    expect(await carried(fileWith(infe, locate))).toMatchObject({ exif: EXIF, losses: [] });
  });
});

describe("EXIF is lost, and that is said", () => {
  it.each<[string, readonly FilePart[]]>([
    ["in pieces", [ITEM, HERE, [0, 2], u32(1), u32(2), u32(3), u32(4)]],
    ["in another file", [ITEM, ONE, ONE, u32(1), LENGTH]],
    ["beyond the end", [ITEM, HERE, ONE, u32(2 ** 31), LENGTH]],
    ["in a table that is cut off", [ITEM]],
    ["nowhere", [[0, 6], HERE, ONE, u32(1), LENGTH]],
  ])("%s", async (_, entry) => {
    const file = fileWith(SHORT_ITEM, () => [u32(0), [FOUR, 0], ONE, ...entry]);
    expect(await carried(file)).toMatchObject({ exif: null, losses: ["details"] });
  });
});
