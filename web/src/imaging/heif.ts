import { AppError } from "../errors";
import type { Bytes } from "./bytes";
import type { Header, Part } from "./header";
import type { Place } from "./turn";

/** Boxes that lie around others, and how much of their own comes before those. */
const CONTAINERS: Readonly<Record<string, number>> = { meta: 4, iprp: 0, ipco: 0, iinf: 6 };
const HEAD = 8;
/** Versions of `infe`: the first that names a type, and the first with numbers of four bytes. */
const [TYPED, LONG] = [2, 3] as const;
/** Where `iloc` counts from: the file's start, or that of the box `idat`. */
const [IN_FILE, IN_IDAT] = [0, 1] as const;

/**
 * Reads the header of an AVIF or HEIC file: the largest of the sizes (`ispe`) that its items have.
 *
 * @throws AppError a film, or a file without a size
 * @throws RangeError cut off
 */
export function readHeif(file: Bytes): Header {
  const format = formatOf(file);
  if (!format) throw new AppError("errorNotImage");
  const sizes = [...heifBoxes(file)]
    .filter(({ name }) => name === "ispe")
    .map(({ at }) => ({ width: file.u32(at + 4), height: file.u32(at + 8) }));
  const largest = sizes.sort((a, b) => b.width * b.height - a.width * a.height)[0];
  if (!largest) throw new AppError("errorTruncated");
  return { format, ...largest, alpha: true, turned: true };
}

/** By the brands that the file says it belongs to: the first may be a general one, as `mif1`. */
function formatOf(file: Bytes): "avif" | "heic" | null {
  const end = Math.min(file.u32(0), file.length, 256);
  const brands = [file.text(8, 4)];
  for (let at = 16; at + 4 <= end; at += 4) brands.push(file.text(at, 4));
  if (brands.some((brand) => /^avi[fs]$/.test(brand))) return "avif";
  return brands.some((brand) => /^(he[iv][cmsx]|mif1|msf1)$/.test(brand)) ? "heic" : null;
}

/** The boxes of a file, those that lie in others included. */
export function* heifBoxes(file: Bytes, from = 0, to = file.length): Generator<Part> {
  let at = from;
  while (at + HEAD <= to) {
    const length = file.u32(at);
    const name = file.text(at + 4, 4);
    const stop = Math.min(length === 0 ? to : at + length, to);
    yield { name, at: at + HEAD, length: stop - at - HEAD };
    const own = CONTAINERS[name];
    if (own !== undefined) yield* heifBoxes(file, at + HEAD + own, stop);
    if (length < HEAD) return; // to the end of the file, or longer than 4 GiB: no pictures follow
    at += length;
  }
}

/** A part of what a file holds: a picture, EXIF, a text. */
interface Item {
  readonly type: string;
  readonly id: number;
}

/** The items that a file lists. */
export function heifItems(file: Bytes): Item[] {
  return [...heifBoxes(file)]
    .filter(({ name, at }) => name === "infe" && file.u8(at) >= TYPED)
    .map(({ at }) => {
      const isLong = file.u8(at) >= LONG;
      const id = isLong ? file.u32(at + 4) : file.u16(at + 4);
      return { id, type: file.text(at + (isLong ? 10 : 8), 4) };
    });
}

/**
 * EXIF from its TIFF header on: how far that is away stands before it (ISO/IEC 23008-12, A.2.1).
 *
 * @returns null without any, or if it lies in pieces
 * @throws RangeError cut off
 */
export function heifExif(file: Bytes): Uint8Array | null {
  const item = heifItems(file).find(({ type }) => type === "Exif");
  const place = item && placeOf(file, item.id);
  if (!place) return null;
  const head = 4 + file.u32(place.at);
  return file.part(place.at + head, Math.max(0, place.length - head));
}

/** Where an item lies that is in one piece. */
function placeOf(file: Bytes, wanted: number): Place | null {
  const boxes = [...heifBoxes(file)];
  const find = (box: string): Part | undefined => boxes.find(({ name }) => name === box);
  const [table, idat] = [find("iloc"), find("idat")];
  if (!table) return null;
  const found = [...locations(file, table)].find(({ id }) => id === wanted);
  if (found?.method === IN_FILE) return found;
  if (found?.method === IN_IDAT && idat) return { ...found, at: idat.at + found.at };
  return null;
}

/** The places of the items that lie in one piece of this file (ISO/IEC 14496-12, 8.11.3). */
function* locations(file: Bytes, table: Part): Generator<Place & { id: number; method: number }> {
  let at = table.at;
  const read = (bytes: number): number => {
    let value = 0;
    for (const end = at + bytes; at < end; at++) value = value * 256 + file.u8(at);
    return value;
  };
  const version = read(4) >>> 24;
  const sizes = read(2);
  const size = (bits: number): number => (sizes >> bits) & 15;
  const [offset, length, base, index] = [size(12), size(8), size(4), version > 0 ? size(0) : 0];
  const long = version < 2 ? 2 : 4;
  for (let items = read(long); items > 0; items--) {
    const id = read(long);
    const method = version > 0 ? read(2) & 15 : IN_FILE;
    const source = read(2);
    const start = read(base);
    const pieces = read(2);
    const next = at + pieces * (index + offset + length);
    read(index);
    const place = { at: start + read(offset), length: read(length) };
    if (pieces === 1 && source === 0) yield { id, method, ...place };
    at = next;
  }
}
