/**
 * EXIF blocks, which are small TIFF files: read within their bounds and changed in place, as the
 * Python package does it (`imaging/metadata/exif.py`). Writing one anew would break a camera's own notes,
 * whose offsets count from the block's start.
 */

import type { Bytes } from "./bytes";

const ORIENTATION = 0x0112;
const UPRIGHT = 1;
const [EXIF_IFD, GPS_IFD] = [0x8769, 0x8825] as const;
const DNG_VERSION = 0xc612;
/** Where a thumbnail lies and how long it is: of a JPEG, and of one that is not compressed. */
const THUMBNAILS = [
  [0x0201, 0x0202],
  [0x0111, 0x0117],
] as const;
const WIDTHS = [0x0100, 0xa002];
const HEIGHTS = [0x0101, 0xa003];
const [SHORT, LONG] = [3, 4] as const;
/** Bytes of whole numbers by their type. */
const INTEGERS: Readonly<Record<number, number>> = { 1: 1, [SHORT]: 2, [LONG]: 4, 13: 4 };
/** Bytes of one value by its type (TIFF 6.0, section 2). */
const BYTES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4];
const ENTRY = 12;
/** No block of a JPEG is longer. */
const SEGMENT_BYTES = 2 ** 16;

/**
 * Whether EXIF asks for a picture to be turned or mirrored. True as well if it cannot be read:
 * browsers may read it all the same.
 *
 * @param tiff where the data after the name begin
 */
export function asksToTurn(file: Bytes, tiff: number): boolean {
  const found = attempt(() => new Block(file.part(tiff, SEGMENT_BYTES)).orientation());
  return found !== UPRIGHT;
}

/** How a block asks for a picture to be turned, 1 to 8; 1 if it does not, or cannot be read. */
export function orientationOf(block: Uint8Array): number {
  const found = attempt(() => new Block(block).orientation()) ?? UPRIGHT;
  return found >= UPRIGHT && found <= 8 ? found : UPRIGHT;
}

/** Takes the wish to be turned out of a block. */
export function makeUpright(block: Uint8Array): void {
  attempt(() => new Block(block).setUpright());
}

/** Whether a block says where the picture was taken; null for a block that cannot be read. */
export function tellsPlace(block: Uint8Array): boolean | null {
  return attempt(() => {
    const exif = new Block(block);
    return exif.find(exif.first, GPS_IFD) !== undefined;
  });
}

/** Whether a TIFF file is a DNG, which most camera raws can be turned into. */
export function isDng(file: Uint8Array): boolean {
  const found = attempt(() => {
    const tiff = new Block(file);
    return tiff.find(tiff.first, DNG_VERSION);
  });
  return Boolean(found);
}

/**
 * The block of an enlarged picture, which stands upright: its size and orientation are set, and the
 * thumbnail is gone; so is the place, unless it is to be kept.
 *
 * @returns null for a block that is damaged
 */
export function exifOf(
  block: Uint8Array,
  { width, height }: { width: number; height: number },
  keepPlace: boolean,
): Uint8Array<ArrayBuffer> | null {
  return attempt(() => {
    const exif = new Block(block.slice());
    exif.dropThumbnail();
    if (!keepPlace) exif.dropPlace();
    exif.setNumbers(WIDTHS, width);
    exif.setNumbers(HEIGHTS, height);
    exif.setUpright();
    return new Block(exif.bytes).bytes.slice(); // one that was wiped out altogether is damaged
  });
}

/** What is read; null where that is cut off. */
export function attempt<Value>(read: () => Value): Value | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** A directory's entry: where it is, its tag, its type and how many values it has. */
interface Entry {
  readonly at: number;
  readonly tag: number;
  readonly kind: number;
  readonly values: number;
}

/** A block, whose every read or write beyond its end is a RangeError. */
class Block {
  readonly first: number;
  private readonly view: DataView;
  private readonly little: boolean;

  constructor(public bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.little = this.view.getUint16(0) === 0x4949;
    if (!this.little && this.view.getUint16(0) !== 0x4d4d) throw new RangeError("no TIFF header");
    if (this.u16(2) !== 42) throw new RangeError("no TIFF header");
    this.first = this.u32(4);
  }

  orientation(): number {
    const entry = this.find(this.first, ORIENTATION);
    return entry ? this.u16(entry.at + 8) : UPRIGHT;
  }

  find(directory: number, wanted: number): Entry | undefined {
    return this.entries(directory).find(({ tag }) => tag === wanted);
  }

  setUpright(): void {
    const entry = this.find(this.first, ORIENTATION);
    if (entry) this.setNumber({ ...entry, ...(isNumber(entry) ? {} : { kind: SHORT }) }, UPRIGHT);
  }

  /** Sets what is stated of these tags, where they are stated as numbers. */
  setNumbers(tags: readonly number[], value: number): void {
    const exif = this.find(this.first, EXIF_IFD);
    const below = exif ? this.u32(exif.at + 8) : this.first;
    for (const directory of new Set([this.first, below])) {
      for (const entry of this.entries(directory)) {
        if (tags.includes(entry.tag) && isNumber(entry)) this.setNumber(entry, value);
      }
    }
  }

  /** Wipes the small picture out, which may show what was cut off since, and what tells of it. */
  dropThumbnail(): void {
    const link = this.endOf(this.first);
    const second = this.u32(link);
    this.view.setUint32(link, 0);
    if (second === 0 || second === this.first) return;
    const entries = this.entries(second).filter(isNumber);
    for (const tags of THUMBNAILS) {
      const [at, length] = tags.map((wanted) => entries.find(({ tag }) => tag === wanted));
      if (at && length) this.cutOut(this.number(at), this.number(length));
    }
  }

  /** Wipes the place out, and takes its entry from the first directory. */
  dropPlace(): void {
    const place = this.find(this.first, GPS_IFD);
    if (!place) return;
    const directory = this.u32(place.at + 8);
    if (directory !== this.first) this.wipe(directory);
    const end = this.endOf(this.first) + 4;
    this.bytes.copyWithin(place.at, place.at + ENTRY, end);
    this.bytes.fill(0, end - ENTRY, end);
    this.setU16(this.first, this.u16(this.first) - 1);
    this.dropPlace(); // one more of them hides nothing
  }

  /** Makes bytes zero, or lets them go at the block's end. */
  private cutOut(at: number, length: number): void {
    if (at + length >= this.bytes.length) this.bytes = this.bytes.subarray(0, at);
    else this.bytes.fill(0, at, at + length);
  }

  private wipe(directory: number): void {
    for (const { at, kind, values } of this.entries(directory)) {
      const size = (BYTES[kind] ?? 0) * values;
      if (size > 4) this.bytes.fill(0, this.u32(at + 8), this.u32(at + 8) + size);
    }
    this.bytes.fill(0, directory, this.endOf(directory));
  }

  private entries(directory: number): Entry[] {
    return Array.from({ length: this.u16(directory) }, (_, index) => {
      const at = directory + 2 + ENTRY * index;
      return { at, tag: this.u16(at), kind: this.u16(at + 2), values: this.u32(at + 4) };
    });
  }

  /** Where a directory's entries end, and its link to the next one is. */
  private endOf(directory: number): number {
    return directory + 2 + ENTRY * this.u16(directory);
  }

  /** Sets a number, as one of another type if its own is too small for it. */
  private setNumber({ at, kind }: Entry, value: number): void {
    const fitting = value >= 2 ** (8 * (INTEGERS[kind] as number)) ? LONG : kind;
    this.setU16(at + 2, fitting);
    this.view.setUint32(at + 4, 1, this.little);
    const bytes = INTEGERS[fitting];
    if (bytes === 1) this.view.setUint8(at + 8, value);
    else if (bytes === 2) this.setU16(at + 8, value);
    else this.view.setUint32(at + 8, value, this.little);
  }

  private number({ at, kind }: Entry): number {
    return INTEGERS[kind] === 2 ? this.u16(at + 8) : this.u32(at + 8);
  }

  private u16(at: number): number {
    return this.view.getUint16(at, this.little);
  }

  private u32(at: number): number {
    return this.view.getUint32(at, this.little);
  }

  private setU16(at: number, value: number): void {
    this.view.setUint16(at, value, this.little);
  }
}

function isNumber({ kind, values }: Entry): boolean {
  return values === 1 && kind in INTEGERS;
}
