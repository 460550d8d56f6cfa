import type { Bytes } from "./bytes";

const ORIENTATION = 0x0112;
const UPRIGHT = 1;

/**
 * Whether EXIF asks for a picture to be turned or mirrored. True as well if it cannot be read:
 * browsers may read it all the same.
 *
 * @param tiff where the data after the name begin
 */
export function asksToTurn(file: Bytes, tiff: number): boolean {
  try {
    return orientation(file, tiff) !== UPRIGHT;
  } catch (error) {
    if (error instanceof RangeError) return true;
    throw error;
  }
}

function orientation(file: Bytes, tiff: number): number {
  const little = file.text(tiff, 2) === "II";
  const u16 = (at: number): number => (little ? file.u16le(at) : file.u16(at));
  const directory = tiff + (little ? file.u32le(tiff + 4) : file.u32(tiff + 4));
  const end = directory + 2 + 12 * u16(directory);
  for (let entry = directory + 2; entry < end; entry += 12) {
    if (u16(entry) === ORIENTATION) return u16(entry + 8);
  }
  return UPRIGHT;
}
