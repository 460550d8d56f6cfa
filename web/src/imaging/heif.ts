import { AppError } from "../errors";
import type { Bytes } from "./bytes";
import type { Header, Part } from "./header";

/** Boxes that lie around others, and how much of their own comes before those. */
const CONTAINERS: Readonly<Record<string, number>> = { meta: 4, iprp: 0, ipco: 0, iinf: 6 };
const HEAD = 8;

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
