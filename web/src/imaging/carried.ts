/** What a picture file carries besides its pixels, and what of it is lost: that is to be said. */

import { Bytes } from "./bytes";
import { EXIF_MARK, webpParts } from "./container";
import { attempt, tellsPlace } from "./exif";
import { type Header, jpegSegments, type Part, pngChunks } from "./header";
import { heifBoxes, heifExif, heifItems } from "./heif";
import { type Gamut, gamutOf } from "./icc";
import { exifPlace } from "./turn";

/** In the order in which they are said. `transparency` is known only once it is decoded. */
export const LOSSES = [
  "animation",
  "transparency",
  "depth",
  "gamut",
  "details",
  "metadata",
] as const;
export type Loss = (typeof LOSSES)[number];

export interface Carried {
  /** What is lost unless a result's format and its owner's choices keep it. */
  readonly losses: readonly Loss[];
  /** The block that tells of camera, date and place, from its TIFF header on. */
  readonly exif: Uint8Array<ArrayBuffer> | null;
  readonly tellsPlace: boolean;
  /** The colours that it is worked on in. */
  readonly space: PredefinedColorSpace;
}

/** What a file tells: which of its parts are what. */
interface Facts {
  readonly animated?: boolean;
  readonly bits?: number;
  readonly profile?: Uint8Array | null;
  /** Colour primaries by number (ITU-T H.273): 1 is sRGB's. */
  readonly primaries?: number;
  readonly exif?: Uint8Array | null;
  /** EXIF that is not read. */
  readonly details?: boolean;
  /** XMP, IPTC and texts. */
  readonly metadata?: boolean;
}

/** Of H.273: BT.709, which is sRGB's, unspecified, and those of old television. */
const NARROW_PRIMARIES = [1, 2, 4, 5, 6, 7];
const P3_PRIMARIES = 12;
const DEEP_BITS = 9;
const [APP1, APP2, APP13] = [0xe1, 0xe2, 0xed] as const;
const [GIF_FRAME, GIF_EXTENSION, GIF_COMMENT] = [0x2c, 0x21, 0xfe] as const;
const ICC_MARK = "ICC_PROFILE\0";
const ICC_CHUNK_HEAD = 16;
/** The compressed profile of a PNG is read up to here. */
const MOST_PROFILE_BYTES = 4 * 2 ** 20;

/** Reads what a file carries; one that cannot be read as far as that is no fault. */
export async function readCarried(bytes: Uint8Array, { format }: Header): Promise<Carried> {
  try {
    return carriedOf(await READERS[format](bytes));
  } catch {
    return carriedOf({});
  }
}

function carriedOf(facts: Facts): Carried {
  const { animated, bits = 8, exif, details, metadata } = facts;
  const gamut = gamutOfFile(facts);
  const place = exif ? tellsPlace(exif) : null;
  const found: Record<Loss, boolean> = {
    animation: animated === true,
    transparency: false,
    depth: bits >= DEEP_BITS,
    gamut: gamut === "wider",
    details: details === true || (exif != null && place === null),
    metadata: metadata === true,
  };
  return {
    losses: LOSSES.filter((loss) => found[loss]),
    exif: exif && place !== null ? exif.slice() : null, // and not all of the file with it
    tellsPlace: place === true,
    space: gamut === "srgb" ? "srgb" : "display-p3",
  };
}

function gamutOfFile({ profile, primaries = 1 }: Facts): Gamut {
  if (profile) return gamutOf(profile);
  if (primaries === P3_PRIMARIES) return "display-p3";
  return NARROW_PRIMARIES.includes(primaries) ? "srgb" : "wider";
}

const READERS: Readonly<Record<Header["format"], (bytes: Uint8Array) => Facts | Promise<Facts>>> = {
  png: pngFacts,
  jpeg: jpegFacts,
  gif: gifFacts,
  webp: webpFacts,
  bmp: () => ({}),
  avif: heifFacts,
  heic: heifFacts,
};

async function pngFacts(bytes: Uint8Array): Promise<Facts> {
  const file = new Bytes(bytes);
  const chunks = [...pngChunks(file)];
  const find = (name: string): Part | undefined => chunks.find((chunk) => chunk.name === name);
  const cicp = find("cICP");
  const iccp = find("iCCP");
  return {
    animated: find("acTL") !== undefined,
    bits: file.u8(24),
    profile: iccp && !cicp ? await unpackProfile(file.part(iccp.at, iccp.length)) : null,
    ...(cicp ? { primaries: file.u8(cicp.at) } : {}),
    exif: exifOf(file, "png"),
    metadata: ["tEXt", "iTXt", "zTXt"].some(find),
  };
}

function exifOf(file: Bytes, format: "png" | "webp"): Uint8Array | null {
  const place = exifPlace(file, { format });
  return place && file.part(place.at, place.length);
}

/** A PNG's profile: a name, a zero, the method, and what is compressed. */
async function unpackProfile(chunk: Uint8Array): Promise<Uint8Array> {
  const packed = chunk.slice(chunk.indexOf(0) + 2);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const reader = stream.getReader();
  const pieces: Uint8Array[] = [];
  for (let bytes = 0; bytes < MOST_PROFILE_BYTES; ) {
    const { done, value } = await reader.read();
    if (done) break;
    pieces.push(value);
    bytes += value.length;
  }
  void reader.cancel();
  return new Uint8Array(await new Blob(pieces as BlobPart[]).arrayBuffer());
}

function jpegFacts(bytes: Uint8Array): Facts {
  const file = new Bytes(bytes);
  const segments = [...jpegSegments(file)];
  const named = (wanted: number, mark: string): number[] =>
    segments
      .filter(({ marker, at }) => marker === wanted && file.text(at + 2, mark.length) === mark)
      .map(({ at }) => at);
  const content = (at: number | undefined, head: number): Uint8Array | null =>
    at === undefined ? null : file.part(at + head, file.u16(at) - head);
  const [exif] = named(APP1, EXIF_MARK);
  return {
    profile: content(named(APP2, ICC_MARK)[0], ICC_CHUNK_HEAD),
    exif: content(exif, 2 + EXIF_MARK.length),
    metadata: segments.some(
      ({ marker, at }) => marker === APP13 || (marker === APP1 && at !== exif),
    ),
  };
}

function gifFacts(bytes: Uint8Array): Facts {
  const file = new Bytes(bytes);
  const colours = (flags: number): number => (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0);
  const skipBlocks = (at: number): number => {
    let next = at;
    while (file.u8(next) > 0) next += 1 + file.u8(next);
    return next + 1;
  };
  let [frames, notes] = [0, 0];
  let at = 13 + colours(file.u8(10));
  while (at < file.length) {
    if (file.u8(at) === GIF_FRAME) {
      frames++;
      at = skipBlocks(at + 11 + colours(file.u8(at + 9)));
    } else if (file.u8(at) === GIF_EXTENSION) {
      if (file.u8(at + 1) === GIF_COMMENT || file.text(at + 3, 8) === "XMP Data") notes++;
      at = skipBlocks(at + 2);
    } else break;
  }
  return { animated: frames > 1, metadata: notes > 0 };
}

function webpFacts(bytes: Uint8Array): Facts {
  const file = new Bytes(bytes);
  const parts = [...webpParts(file)];
  const find = (name: string): Part | undefined => parts.find((part) => part.name === name);
  const icc = find("ICCP");
  return {
    animated: find("ANIM") !== undefined,
    profile: icc ? file.part(icc.at, icc.length) : null,
    exif: exifOf(file, "webp"),
    metadata: find("XMP ") !== undefined,
  };
}

function heifFacts(bytes: Uint8Array): Facts {
  const file = new Bytes(bytes);
  const boxes = [...heifBoxes(file)];
  const all = (name: string): Part[] => boxes.filter((box) => box.name === name);
  const items = heifItems(file);
  const has = (wanted: string): boolean => items.some(({ type }) => type === wanted);
  const exif = attempt(() => heifExif(file));
  const colours = all("colr");
  const nclx = colours.find(({ at }) => file.text(at, 4) === "nclx");
  const icc = colours.find(({ at }) => ["prof", "rICC"].includes(file.text(at, 4)));
  return {
    animated: /^(avis|msf1|hevc|hevs)$/.test(file.text(8, 4)),
    bits: Math.max(8, ...all("pixi").map(({ at }) => file.u8(at + 5))),
    profile: icc ? file.part(icc.at + 4, icc.length - 4) : null,
    ...(nclx ? { primaries: file.u16(nclx.at + 4) } : {}),
    exif,
    details: !exif && has("Exif"),
    metadata: has("mime"),
  };
}
