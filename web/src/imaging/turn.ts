/**
 * How EXIF wants pictures to be turned. Browsers do so with JPEG and AVIF, but not all with PNG and
 * WebP: those are decoded as they are stored, and turned here.
 */

import { Bytes } from "./bytes";
import { EXIF_MARK, webpParts } from "./container";
import { crc32 } from "./crc32";
import { makeUpright, orientationOf } from "./exif";
import { type Header, pngChunks } from "./header";

export interface Turn {
  /** Whether rows become columns. */
  readonly isTransposed: boolean;
  /** Whether rows are read from the right, or the picture from below. */
  readonly fromRight: boolean;
  readonly fromBelow: boolean;
}

export interface Place {
  readonly at: number;
  readonly length: number;
}

export interface Stored {
  /** Decoded as it is stored. */
  readonly file: Blob;
  /** Null for one that is upright, or that the browser turns. */
  readonly turn: Turn | null;
}

/** A picture file, and how what is decoded of it is to be turned. */
export function asStored(file: Blob, bytes: Uint8Array<ArrayBuffer>, header: Header): Stored {
  const place = exifPlace(new Bytes(bytes), header);
  const turn = place && turnAt(new Bytes(bytes), place);
  if (!turn) return { file, turn: null };
  const upright = bytes.slice();
  const end = place.at + place.length;
  makeUpright(upright.subarray(place.at, end));
  if (header.format === "png") {
    const sum = crc32(upright.subarray(place.at - 4, end));
    new DataView(upright.buffer).setUint32(end, sum);
  }
  return { file: new Blob([upright]), turn };
}

/** The turn that a PNG or WebP asks for. */
export function turnOf(file: Bytes, header: Pick<Header, "format">): Turn | null {
  const place = exifPlace(file, header);
  return place && turnAt(file, place);
}

function turnAt(file: Bytes, { at, length }: Place): Turn | null {
  const orientation = orientationOf(file.part(at, length));
  if (orientation === 1) return null;
  return {
    isTransposed: orientation >= 5,
    fromRight: [2, 3, 7, 8].includes(orientation),
    fromBelow: [3, 4, 6, 7].includes(orientation),
  };
}

/** Where the EXIF of a PNG or WebP is, from its TIFF header on. */
export function exifPlace(file: Bytes, { format }: Pick<Header, "format">): Place | null {
  const png = format === "png" ? [...pngChunks(file, "eXIf")] : [];
  const webp = format === "webp" ? [...webpParts(file)] : [];
  const part = png[0] ?? webp.find(({ name }) => name === "EXIF");
  const checksum = png.length > 0 ? 4 : 0;
  if (!part || part.at + part.length + checksum > file.length) return null;
  // Some programs put JPEG's mark before the block.
  const skipped = file.text(part.at, EXIF_MARK.length) === EXIF_MARK ? EXIF_MARK.length : 0;
  return { at: part.at + skipped, length: part.length - skipped };
}
