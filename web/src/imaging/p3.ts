/**
 * The colour profile of Display P3, in which iPhones take photos and many screens show them: a matrix
 * and one curve (ICC.1:2022, 8.3 and 10.18). A test holds it to what the Python package computes
 * from the primaries that are published (ITU-T H.273, code point 12).
 */

import { fileOf, u32 } from "./bytes";

/** X, Y, Z of the white that profiles count from. */
const D50 = [0.9642, 1, 0.8249];
/** X, Y, Z of the primaries, brought from the white D65 to D50 (Bradford, ICC.1 annex E). */
const PRIMARIES: Readonly<Record<string, readonly number[]>> = {
  rXYZ: [0.515119, 0.241189, -0.00105],
  gXYZ: [0.291978, 0.692244, 0.041879],
  bXYZ: [0.157103, 0.066567, 0.784071],
};
/** What brought them there, row by row. */
const ADAPTATION = [
  ...[1.047886, 0.022919, -0.050216],
  ...[0.029582, 0.990484, -0.017079],
  ...[-0.009252, 0.015073, 0.751678],
];
/** sRGB's, from sample to light: exponent, a, b, c, d. */
const CURVE = [2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045];
const HEAD_BYTES = 128;
const ENTRY_BYTES = 12;

export const DISPLAY_P3 = profile();

/** A display profile of version 4.3. */
function profile(): Uint8Array<ArrayBuffer> {
  const xyz = (values: readonly number[]): Uint8Array => fileOf("XYZ ", u32(0), fixed(values));
  const curve = fileOf("para", u32(0), [0, 3, 0, 0], fixed(CURVE));
  const tags: [string, Uint8Array][] = [
    ["desc", words("Display P3")],
    ["cprt", words("No copyright")],
    ["wtpt", xyz(D50)],
    ["chad", fileOf("sf32", u32(0), fixed(ADAPTATION))],
    ...Object.entries(PRIMARIES).map(([name, xy]): [string, Uint8Array] => [name, xyz(xy)]),
    ...["rTRC", "gTRC", "bTRC"].map((name): [string, Uint8Array] => [name, curve]),
  ];
  const start = HEAD_BYTES + 4 + ENTRY_BYTES * tags.length;
  const contents = [...new Set(tags.map(([, content]) => content))]; // the curves share one
  const place = (content: Uint8Array): number =>
    contents.slice(0, contents.indexOf(content)).reduce((sum, { length }) => sum + length, start);
  const table = tags.map(([name, content]) =>
    fileOf(name, u32(place(content)), u32(content.length)),
  );
  const length = contents.reduce((sum, content) => sum + content.length, start);
  return fileOf(head(length), u32(tags.length), ...table, ...contents);
}

function head(length: number): Uint8Array {
  const kind = fileOf(u32(length), u32(0), u32(0x04300000), "mntrRGB XYZ ");
  const date = [2026, 1, 1, 0, 0, 0].flatMap((value) => [value >> 8, value & 255]);
  const known = fileOf(kind, date, "acsp", Array(28).fill(0), fixed(D50));
  return fileOf(known, Array(HEAD_BYTES - known.length).fill(0));
}

/** Text of 16 bits a letter, up to a whole number of four bytes. */
function words(text: string): Uint8Array {
  const letters = [...text].flatMap((letter) => [0, letter.charCodeAt(0)]);
  const padding = Array(-letters.length & 3).fill(0);
  return fileOf(
    "mluc",
    u32(0),
    u32(1),
    u32(12),
    "enUS",
    u32(letters.length),
    u32(28),
    letters,
    padding,
  );
}

function fixed(values: readonly number[]): Uint8Array {
  return fileOf(...values.map((value) => u32(Math.round(value * 2 ** 16))));
}
