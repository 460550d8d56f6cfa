/**
 * PNGs of 16 bits, which browsers decode to 8: read here, so that they can be saved with 16 again.
 * Their pixels stay in the file's own colours, and so do the chunks that say which those are.
 */

import { AppError } from "../errors";
import type { Bytes } from "./bytes";
import { type Header, pngChunks } from "./header";
import { type Turn, turnOf } from "./turn";

/** Pixels of 16 bits, upright. */
export interface Deep {
  /** (height, width, 4) */
  readonly data: Uint16Array<ArrayBuffer>;
  readonly width: number;
  readonly height: number;
  readonly gray: boolean;
  readonly alpha: boolean;
  /** Whole chunks that say what the colours are. */
  readonly colours: readonly Uint8Array<ArrayBuffer>[];
}

/** The most pixels that are held so: 8 bytes each. */
const MAX_PIXELS = 24 * 2 ** 20;
/** Samples of a pixel by colour type; palettes have no 16 bits. */
const SAMPLES: Readonly<Record<number, number>> = { 0: 1, 2: 3, 4: 2, 6: 4 };
const COLOUR_CHUNKS = ["iCCP", "sRGB", "gAMA", "cHRM", "cICP"];

/** Whether a file is a PNG of 16 bits of a kind that `readDeep` reads; others become 8. */
export function isDeep(file: Bytes, { format, width, height }: Header): boolean {
  if (format !== "png" || file.u8(24) !== 16 || width * height > MAX_PIXELS) return false;
  const isPlain = file.u8(25) in SAMPLES && file.u8(28) === 0; // not interlaced
  return isPlain && ![...pngChunks(file)].some(({ name }) => name === "tRNS");
}

/**
 * Reads a PNG of 16 bits.
 *
 * @throws AppError its pixels are damaged
 */
export async function readDeep(file: Bytes): Promise<Deep> {
  const [across, down, samples] = [file.u32(16), file.u32(20), SAMPLES[file.u8(25)] as number];
  const data = new Uint16Array(across * down * 4);
  const turn = turnOf(file, { format: "png" });
  const target = { data, width: across, height: down, samples, ...layOut(turn, across, down) };
  const isWhole = await readRows(unpack(file), target).catch(() => false);
  if (!isWhole) throw new AppError("errorDecode", { format: "PNG" });
  const colours = [...pngChunks(file)]
    .filter(({ name }) => COLOUR_CHUNKS.includes(name))
    .map(({ at, length }) => file.part(at - 8, length + 12).slice());
  const [width, height] = turn?.isTransposed ? [down, across] : [across, down];
  return { data, width, height, gray: samples < 3, alpha: samples % 2 === 0, colours };
}

/** What the image data hold when unpacked, in pieces. */
function unpack(file: Bytes): ReadableStreamDefaultReader<Uint8Array> {
  const packed = [...pngChunks(file, "IDAT")].map(({ at, length }) => file.part(at, length));
  const stream = new Blob(packed as BlobPart[]).stream();
  return stream.pipeThrough(new DecompressionStream("deflate")).getReader();
}

/** Where pixels lie in a picture that stands upright, counted in pixels. */
interface Layout {
  readonly start: number;
  /** From a pixel to the next one of its row, and of its column, as they are stored. */
  readonly right: number;
  readonly below: number;
}

function layOut(turn: Turn | null, width: number, height: number): Layout {
  const [right, below] = turn?.isTransposed ? [height, 1] : [1, width];
  const fromRight = turn?.fromRight ? (width - 1) * right : 0;
  const fromBelow = turn?.fromBelow ? (height - 1) * below : 0;
  return {
    start: fromRight + fromBelow,
    right: turn?.fromRight ? -right : right,
    below: turn?.fromBelow ? -below : below,
  };
}

interface Target extends Layout {
  readonly data: Uint16Array;
  readonly width: number;
  readonly height: number;
  readonly samples: number;
}

/** Fills in the pixels, row by row; false where data are missing. */
async function readRows(
  pieces: ReadableStreamDefaultReader<Uint8Array>,
  target: Target,
): Promise<boolean> {
  const { width, height, samples } = target;
  const line = new Uint8Array(1 + width * samples * 2);
  let above: Uint8Array = new Uint8Array(line.length - 1);
  let [row, filled] = [0, 0];
  for (;;) {
    const { done, value } = await pieces.read();
    if (done) return row >= height;
    for (let from = 0; from < value.length && row < height; ) {
      const part = value.subarray(from, from + line.length - filled);
      line.set(part, filled);
      filled += part.length;
      from += part.length;
      if (filled < line.length) break;
      const current = line.slice(1);
      unfilter(current, above, line[0] as number, samples * 2);
      spread(current, target, row++);
      above = current;
      filled = 0;
    }
  }
}

/** What filters predict of a byte, by the one to the left, the one above and that one's left. */
const PREDICTORS: readonly ((left: number, above: number, corner: number) => number)[] = [
  () => 0,
  (left) => left,
  (_, above) => above,
  (left, above) => (left + above) >> 1,
  paeth,
];

/** Undoes a row's filter (PNG, section 9). */
function unfilter(row: Uint8Array, above: Uint8Array, filter: number, step: number): void {
  const predict = PREDICTORS[filter];
  if (!predict) throw new RangeError("no such filter");
  for (let at = 0; at < row.length; at++) {
    const left = at < step ? 0 : (row[at - step] as number);
    const corner = at < step ? 0 : (above[at - step] as number);
    row[at] = (row[at] as number) + predict(left, above[at] as number, corner);
  }
}

/** Makes RGBA of a row of gray or RGB, with alpha or without. */
function spread(line: Uint8Array, target: Target, row: number): void {
  const { data, samples, start, right, below } = target;
  const view = new DataView(line.buffer, line.byteOffset);
  const [green, blue] = samples < 3 ? [0, 0] : [2, 4];
  const alpha = samples % 2 === 0 ? 2 * (samples - 1) : -1;
  let to = (start + row * below) * 4;
  for (let from = 0; from < line.length; from += 2 * samples, to += 4 * right) {
    data[to] = view.getUint16(from);
    data[to + 1] = view.getUint16(from + green);
    data[to + 2] = view.getUint16(from + blue);
    data[to + 3] = alpha < 0 ? 0xffff : view.getUint16(from + alpha);
  }
}

/** What PNG's filter type 4 predicts of a byte, by those to the left, above, and above that one. */
function paeth(left: number, above: number, corner: number): number {
  const toLeft = Math.abs(above - corner);
  const toAbove = Math.abs(left - corner);
  const toCorner = Math.abs(left + above - 2 * corner);
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}
