/** Small picture files, put together byte by byte. */

import { type FilePart, fileOf, u32 } from "../src/imaging/bytes";

export { type FilePart, fileOf, u32 };

/** A PNG that claims a size, with nothing in it. */
export function pngOf(width: number, height: number, colorType = 2, bits = 8): Uint8Array {
  const sizes = fileOf(u32(width), u32(height));
  const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
  const header = fileOf([0, 0, 0, 13], "IHDR", sizes, [bits, colorType, 0, 0, 0], [0, 0, 0, 0]);
  return fileOf(signature, header, [0, 0, 0, 0], "IEND", [0xae, 0x42, 0x60, 0x82]);
}

/** A box of a HEIF file. */
export function box(name: string, ...content: readonly FilePart[]): Uint8Array {
  const inside = fileOf(...content);
  return fileOf(u32(8 + inside.length), name, inside);
}

/** What an `ispe` box has in it. */
export function size(width: number, height: number): Uint8Array {
  return fileOf(u32(0), u32(width), u32(height));
}

/** An AVIF or HEIC file with properties, and with nothing in it. */
export function heifOf(
  brand: string,
  others: readonly string[],
  ...properties: readonly Uint8Array[]
): Uint8Array {
  const meta = box("meta", u32(0), box("iprp", box("ipco", ...properties)));
  return fileOf(box("ftyp", brand, u32(0), ...others), meta);
}

/** EXIF, big end first, with an orientation and nothing else. */
export function exifWith(orientation: number): Uint8Array {
  const entry = fileOf([0x01, 0x12, 0, 3], u32(1), [0, orientation, 0, 0]);
  return fileOf("MM", [0, 42], u32(8), [0, 1], entry, u32(0));
}
