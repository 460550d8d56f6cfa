import { AppError } from "../errors";
import type { Bytes } from "./bytes";
import type { Header } from "./header";

/** Boxes that lie around the one with the size; `meta` has four bytes of its own before them. */
const CONTAINERS: Readonly<Record<string, number>> = { meta: 12, iprp: 8, ipco: 8 };

/**
 * Reads the header of an AVIF or HEIC file: the largest of the sizes (`ispe`) that its items have.
 *
 * @throws AppError a film, or a file without a size
 * @throws RangeError cut off
 */
export function readHeif(file: Bytes): Header {
  const brand = file.text(8, 4);
  const format = brand.startsWith("avi") ? "avif" : "heic";
  if (!/^(avif|avis|heic|heix|hevc|mif1|msf1)$/.test(brand)) throw new AppError("errorNotImage");
  const sizes = [...spatialExtents(file, 0, file.length)];
  const largest = sizes.sort((a, b) => b.width * b.height - a.width * a.height)[0];
  if (!largest) throw new AppError("errorTruncated");
  return { format, ...largest, alpha: true, turned: true };
}

function* spatialExtents(
  file: Bytes,
  from: number,
  to: number,
): Generator<{ width: number; height: number }> {
  let at = from;
  while (at + 8 <= to) {
    const length = file.u32(at);
    const kind = file.text(at + 4, 4);
    if (kind === "ispe") yield { width: file.u32(at + 12), height: file.u32(at + 16) };
    const inside = CONTAINERS[kind];
    const stop = Math.min(length === 0 ? to : at + length, to);
    if (inside) yield* spatialExtents(file, at + inside, stop);
    if (length < 8) return; // to the end of the file, or longer than 4 GiB: no pictures follow
    at += length;
  }
}
