/**
 * Reads what a picture file says of itself, before anything decodes it.
 *
 * A header of a few bytes can promise a picture of gigabytes; so the size is known, and refused if
 * absurd, before the browser's decoder sees the file.
 */

import { AppError } from "../errors";
import { Bytes, matches } from "./bytes";
import { asksToTurn } from "./exif";
import { refuseForeign } from "./foreign";
import { readHeif } from "./heif";

export type Format = "png" | "jpeg" | "gif" | "webp" | "bmp" | "avif" | "heic";

export interface Header {
  readonly format: Format;
  /** As stored; an EXIF orientation may turn it when shown. */
  readonly width: number;
  readonly height: number;
  /** Whether pixels may be transparent. */
  readonly alpha: boolean;
  /** Whether it may be shown otherwise than it is stored: turned or mirrored. */
  readonly turned: boolean;
}

/** The most pixels that are opened: decoded they take 4 bytes each. */
export const MAX_PIXELS = 64 * 2 ** 20;
/** The longest side: canvases of common browsers end there. */
export const MAX_SIDE = 32767;
/** The name of PNG's first chunk, as a number. */
const IHDR = 0x49484452;
/** The marker of a JPEG's segment that EXIF is in. */
const APP1 = 0xe1;
/** Photos below this have hardly anything to see. */
export const SMALL_SIDE = 8;

/**
 * Reads and judges a file's header.
 *
 * @param bytes the whole file
 * @param name the file's, by which kinds are told apart that are not opened
 * @throws AppError not a picture, of a kind that is not opened, cut off, too large or without pixels
 */
export function checkFile(bytes: Uint8Array, name = ""): Header {
  refuseForeign(bytes, name);
  const header = readHeader(bytes);
  const size = { width: header.width, height: header.height };
  const [width, height] = [header.width, header.height];
  if (width > MAX_SIDE || height > MAX_SIDE || width * height > MAX_PIXELS) {
    throw new AppError("errorTooLarge", { ...size, megapixels: MAX_PIXELS / 2 ** 20 });
  }
  if (width < 1 || height < 1) throw new AppError("errorNotImage");
  if (!isWhole(bytes, header.format)) throw new AppError("errorTruncated");
  return header;
}

/**
 * Reads a file's header.
 *
 * @throws AppError not a picture of a known format, or cut off within its header
 */
export function readHeader(bytes: Uint8Array): Header {
  const file = new Bytes(bytes);
  try {
    if (matches(bytes, 0, [0x89, 0x50, 0x4e, 0x47])) return readPng(file);
    if (matches(bytes, 0, [0xff, 0xd8, 0xff])) return readJpeg(file);
    if (file.text(0, 4) === "GIF8") return readGif(file);
    if (file.text(0, 4) === "RIFF" && file.text(8, 4) === "WEBP") return readWebp(file);
    if (file.text(0, 2) === "BM") return readBmp(file);
    if (file.text(4, 4) === "ftyp") return readHeif(file);
  } catch (error) {
    if (error instanceof RangeError) throw new AppError("errorTruncated");
    throw error;
  }
  throw new AppError(looksLikeSvg(bytes) ? "errorSvg" : "errorNotImage");
}

function readPng(file: Bytes): Header {
  if (file.u32(12) !== IHDR) throw new AppError("errorNotImage");
  const colorType = file.u8(25);
  const transparent = [...pngChunks(file)].some(({ name }) => name === "tRNS");
  return {
    format: "png",
    width: file.u32(16),
    height: file.u32(20),
    alpha: colorType === 4 || colorType === 6 || transparent,
    turned: true,
  };
}

/** A part of a file: its name, where its content begins, and how long that is. */
export interface Part {
  readonly name: string;
  readonly at: number;
  readonly length: number;
}

/** A PNG's chunks, but for its pixels (IDAT); or those of one name. */
export function* pngChunks(file: Bytes, wanted?: string): Generator<Part> {
  for (let offset = 8; offset + 8 <= file.length; ) {
    const length = file.u32(offset);
    const name = file.text(offset + 4, 4);
    if (name === "IEND") return;
    if (wanted ? name === wanted : name !== "IDAT") yield { name, at: offset + 8, length };
    offset += 12 + length;
  }
}

function readJpeg(file: Bytes): Header {
  const segments = [...jpegSegments(file)];
  const frame = frameOf(segments);
  const exif = segments.find(
    ({ marker, at }) => marker === APP1 && file.text(at + 2, 4) === "Exif",
  );
  return {
    format: "jpeg",
    width: file.u16(frame + 5),
    height: file.u16(frame + 3),
    alpha: false,
    turned: exif !== undefined && asksToTurn(file, exif.at + 8),
  };
}

/** A segment of a JPEG: its marker, and where its length lies. */
interface Segment {
  readonly marker: number;
  readonly at: number;
}

/** A JPEG's segments up to one that is the last, by default the frame header (SOF). */
export function* jpegSegments(file: Bytes, isLast = isFrame): Generator<Segment> {
  let offset = 2;
  for (;;) {
    if (file.u8(offset) !== 0xff) throw new AppError("errorNotImage");
    const marker = file.u8(offset + 1);
    // Fill bytes and markers without content have no length.
    const bare = marker === 0xff || marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);
    if (!bare) yield { marker, at: offset + 2 };
    if (isLast(marker)) return;
    offset += bare ? (marker === 0xff ? 1 : 2) : 2 + file.u16(offset + 2);
  }
}

/** Where the frame header is; 0 if there is none. */
export function frameOf(segments: readonly Segment[]): number {
  return segments.find(({ marker }) => isFrame(marker))?.at ?? 0;
}

function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
}

function readGif(file: Bytes): Header {
  return { format: "gif", width: file.u16le(6), height: file.u16le(8), alpha: true, turned: false };
}

function readBmp(file: Bytes): Header {
  return {
    format: "bmp",
    width: file.i32le(18),
    height: Math.abs(file.i32le(22)),
    alpha: file.u16le(28) === 32,
    turned: false,
  };
}

function readWebp(file: Bytes): Header {
  const kind = file.text(12, 4);
  if (kind === "VP8X") {
    const size = { width: 1 + file.u24le(24), height: 1 + file.u24le(27) };
    return { format: "webp", ...size, turned: true, alpha: (file.u8(20) & 0x10) !== 0 };
  }
  if (kind === "VP8L") {
    const bits = file.u32le(21);
    const size = { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
    return { format: "webp", ...size, turned: true, alpha: ((bits >>> 28) & 1) === 1 };
  }
  if (kind !== "VP8 ") throw new AppError("errorNotImage");
  const size = { width: file.u16le(26) & 0x3fff, height: file.u16le(28) & 0x3fff };
  return { format: "webp", ...size, turned: true, alpha: false };
}

/**
 * Whether a file has its end. Browsers decode the start of a file that was cut off and leave the
 * rest gray, without a word.
 */
export function isWhole(bytes: Uint8Array, format: Format): boolean {
  const file = new Bytes(bytes);
  if (format === "png") return file.findLast("IEND") > 0;
  if (format === "jpeg") return jpegEnd(bytes) > frameOf([...jpegSegments(file)]);
  if (format === "webp") return file.u32le(4) + 8 <= bytes.length;
  if (format === "gif") return bytes.lastIndexOf(0x3b) > 13;
  return true;
}

/** Where the end marker (EOI) of a JPEG is, or -1. Phones append videos and other things to it. */
function jpegEnd(bytes: Uint8Array): number {
  let at = bytes.lastIndexOf(0xd9);
  while (at > 0 && bytes[at - 1] !== 0xff) at = bytes.lastIndexOf(0xd9, at - 1);
  return at;
}

function looksLikeSvg(bytes: Uint8Array): boolean {
  const head = new TextDecoder().decode(bytes.subarray(0, 1024)).trimStart().toLowerCase();
  return head.startsWith("<svg") || (head.startsWith("<") && head.includes("<svg"));
}
