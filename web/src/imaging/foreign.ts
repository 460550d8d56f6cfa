/** Pictures that are not opened here: told by their content, so that a message can name their kind. */

import { AppError } from "../errors";
import { Bytes, matches } from "./bytes";
import { isDng } from "./exif";

/** How a file begins, as Latin-1. The first two are BigTIFF's. */
const TIFF = ["II+\0", "MM\0+", "II*\0", "MM\0*"];
/** Camera raws with a beginning of their own: Olympus, Panasonic, Fujifilm, Sigma, Minolta, Canon. */
const RAW = [
  "IIRO",
  "IIRS",
  "MMOR",
  "IIU\0",
  "FUJIFILMCCD-RAW",
  "FOVb",
  "\0MRM",
  "II\x1a\0\0\0HEAP",
];
/** Most of the others are TIFFs by their content. */
const RAW_NAME =
  /\.(dng|cr2|nef|nrw|arw|srf|sr2|pef|srw|3fr|fff|iiq|rwl|kdc|dcr|erf|mef|mos|raw|gpr)$/i;
/** Canon's later kind, CR3. */
const CR3 = "ftypcrx ";
const OTHERS: Readonly<Record<string, string>> = {
  "\xff\x0a": "JPEG XL",
  "\0\0\0\x0cJXL ": "JPEG XL",
  "\0\0\0\x0cjP  ": "JPEG 2000",
  "\xff\x4f\xff\x51": "JPEG 2000",
  "8BPS": "Photoshop",
};

/**
 * Refuses pictures of kinds that are known but not opened.
 *
 * @param name the file's: most camera raws are TIFFs but for it
 * @throws AppError it is one of them
 */
export function refuseForeign(bytes: Uint8Array, name: string): void {
  const begins = (start: string, at = 0): boolean => matches(bytes, at, latin(start));
  if (TIFF.some((start) => begins(start))) {
    throw new AppError(isRawTiff(bytes, name) ? "errorRaw" : "errorTiff");
  }
  if (begins(CR3, 4) || RAW.some((start) => begins(start))) throw new AppError("errorRaw");
  const found = Object.entries(OTHERS).find(([start]) => begins(start));
  if (found) throw new AppError("errorForeign", { format: found[1] });
}

/** Whether a TIFF is a camera raw: by its name, Canon's mark (CR2), or the version of DNG in it. */
function isRawTiff(bytes: Uint8Array, name: string): boolean {
  return RAW_NAME.test(name) || new Bytes(bytes).text(8, 2) === "CR" || isDng(bytes);
}

function latin(text: string): number[] {
  return [...text].map((letter) => letter.charCodeAt(0));
}
