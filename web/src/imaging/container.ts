/** Puts a colour profile and EXIF into JPEG and WebP files that the browser has encoded. */

import type { Size } from "../view/view";
import { Bytes, fileOf, u32 } from "./bytes";
import { jpegSegments, type Part } from "./header";

export interface Extras {
  /** From its TIFF header on. */
  readonly exif: Uint8Array | null;
  readonly profile: Uint8Array | null;
}

const [APP0, APP1, APP2] = [0xe0, 0xe1, 0xe2] as [number, number, number];
/** What stands before the block in a JPEG. */
export const EXIF_MARK = "Exif\0\0";
/** What a JPEG's segment holds besides its length and EXIF's mark. */
export const MOST_EXIF_OF_JPEG = 2 ** 16 - 1 - 2 - EXIF_MARK.length;
/** Flags of a WebP's first chunk. */
const [HAS_PROFILE, HAS_ALPHA, HAS_EXIF] = [0x20, 0x10, 0x08] as const;

/** A JPEG with these in place of what the browser has put there. */
export async function addToJpeg(blob: Blob, { exif, profile }: Extras): Promise<Blob> {
  const file = new Bytes(new Uint8Array(await blob.arrayBuffer()));
  const segments = [...jpegSegments(file)].map(({ marker, at }) => ({
    marker,
    content: file.part(at - 2, 2 + file.u16(at)),
  }));
  const first = segments.filter(({ marker }) => marker === APP0);
  const kept = segments.filter(({ marker }) => ![APP0, APP1, APP2].includes(marker));
  const length = segments.reduce((sum, { content }) => sum + content.length, 2);
  return new Blob(
    [
      fileOf([0xff, 0xd8], ...first.map(({ content }) => content)),
      exif ? segment(APP1, EXIF_MARK, exif) : "",
      profile ? segment(APP2, "ICC_PROFILE\0\x01\x01", profile) : "",
      fileOf(...kept.map(({ content }) => content)),
      blob.slice(length),
    ],
    { type: blob.type },
  );
}

function segment(marker: number, mark: string, content: Uint8Array): Uint8Array<ArrayBuffer> {
  return fileOf([0xff, marker], u32(2 + mark.length + content.length).subarray(2), mark, content);
}

/** A WebP with these in place of what the browser has put there. */
export async function addToWebp(
  blob: Blob,
  { width, height, alpha }: Size & { alpha: boolean },
  { exif, profile }: Extras,
): Promise<Blob> {
  if (!exif && !profile) return blob;
  const file = new Bytes(new Uint8Array(await blob.arrayBuffer()));
  const pictures = [...webpParts(file)].filter(({ name }) => /^(VP8[ L]|ALPH)$/.test(name));
  const flags = (profile ? HAS_PROFILE : 0) | (alpha ? HAS_ALPHA : 0) | (exif ? HAS_EXIF : 0);
  const sizes = [width - 1, height - 1].flatMap((side) => [side, side >> 8, side >> 16]);
  const parts = [
    riff("VP8X", fileOf([flags, 0, 0, 0], sizes)),
    profile ? riff("ICCP", profile) : fileOf(),
    ...pictures.map(({ name, at, length }) => riff(name, file.part(at, length))),
    exif ? riff("EXIF", exif) : fileOf(),
  ];
  const length = parts.reduce((sum, part) => sum + part.length, 4);
  return new Blob([fileOf("RIFF", little(length), "WEBP"), ...parts], { type: blob.type });
}

/** A WebP's chunks. */
export function* webpParts(file: Bytes): Generator<Part> {
  for (let at = 12; at + 8 <= file.length; ) {
    const length = file.u32le(at + 4);
    yield { name: file.text(at, 4), at: at + 8, length };
    at += 8 + length + (length & 1);
  }
}

function riff(name: string, content: Uint8Array): Uint8Array<ArrayBuffer> {
  return fileOf(name, little(content.length), content, content.length & 1 ? [0] : []);
}

function little(value: number): Uint8Array {
  return u32(value).reverse();
}
