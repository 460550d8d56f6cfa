/** What of a picture file the app does not show, or does not keep: it is to be said. */

import { Bytes } from "./bytes";
import { type Header, jpegSegments, type Part, pngChunks } from "./header";
import { heifBoxes } from "./heif";
import { isWideGamut } from "./icc";

/** In the order in which they are said. `transparency` is known only once it is decoded. */
export const LOSSES = ["animation", "transparency", "depth", "gamut", "metadata"] as const;
export type Loss = (typeof LOSSES)[number];

/** What a file tells: which of its parts are what. */
interface Facts {
  readonly animated?: boolean;
  readonly bits?: number;
  readonly profile?: Uint8Array | null;
  /** Colour primaries by number (ITU-T H.273): 1 is sRGB's. */
  readonly primaries?: number;
  readonly metadata?: boolean;
}

/** Of H.273: BT.709, which is sRGB's, unspecified, and those of old television. */
const NARROW_PRIMARIES = [1, 2, 4, 5, 6, 7];
const DEEP_BITS = 9;
const APP1 = 0xe1;
const APP2 = 0xe2;
const ICC_MARK = "ICC_PROFILE\0";
const ICC_CHUNK_HEAD = 16;
/** The compressed profile of a PNG is read up to here. */
const MOST_PROFILE_BYTES = 4 * 2 ** 20;

/** Reads what will be lost; a file that cannot be read as far as that is no fault. */
export async function readLosses(bytes: Uint8Array, { format }: Header): Promise<Loss[]> {
  try {
    return lossesOf(await READERS[format](bytes));
  } catch {
    return [];
  }
}

function lossesOf({ animated, bits = 8, profile, primaries = 1, metadata }: Facts): Loss[] {
  const wide = (profile && isWideGamut(profile)) || !NARROW_PRIMARIES.includes(primaries);
  const found: Record<Loss, boolean> = {
    animation: animated === true,
    transparency: false,
    depth: bits >= DEEP_BITS,
    gamut: wide,
    metadata: metadata === true,
  };
  return LOSSES.filter((loss) => found[loss]);
}

const READERS: Readonly<Record<Header["format"], (bytes: Uint8Array) => Facts | Promise<Facts>>> = {
  png: pngFacts,
  jpeg: jpegFacts,
  gif: (bytes) => ({ animated: countFrames(new Bytes(bytes)) > 1 }),
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
    profile: iccp ? await unpackProfile(bytes.subarray(iccp.at, iccp.at + iccp.length)) : null,
    ...(cicp ? { primaries: file.u8(cicp.at) } : {}),
    metadata: ["eXIf", "tEXt", "iTXt", "zTXt"].some(find),
  };
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
  const profile = segments
    .filter(({ marker, at }) => marker === APP2 && file.text(at + 2, 12) === ICC_MARK)
    .map(({ at }) => bytes.subarray(at + ICC_CHUNK_HEAD, at + file.u16(at)));
  return {
    profile: profile[0] ?? null,
    metadata: segments.some(({ marker }) => marker === APP1),
  };
}

/** Frames of a GIF, of which two are enough to know. */
function countFrames(file: Bytes): number {
  const colours = (flags: number): number => (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0);
  const skipBlocks = (at: number): number => {
    let next = at;
    while (file.u8(next) > 0) next += 1 + file.u8(next);
    return next + 1;
  };
  let frames = 0;
  let at = 13 + colours(file.u8(10));
  while (at < file.length && frames < 2) {
    if (file.u8(at) === 0x21) at = skipBlocks(at + 2);
    else if (file.u8(at) === 0x2c) {
      frames++;
      at = skipBlocks(at + 11 + colours(file.u8(at + 9)));
    } else break;
  }
  return frames;
}

function webpFacts(bytes: Uint8Array): Facts {
  const file = new Bytes(bytes);
  const parts: Part[] = [];
  for (let at = 12; at + 8 <= file.length; ) {
    const length = file.u32le(at + 4);
    parts.push({ name: file.text(at, 4), at: at + 8, length });
    at += 8 + length + (length & 1);
  }
  const find = (name: string): Part | undefined => parts.find((part) => part.name === name);
  const icc = find("ICCP");
  return {
    animated: find("ANIM") !== undefined,
    profile: icc ? bytes.subarray(icc.at, icc.at + icc.length) : null,
    metadata: ["EXIF", "XMP "].some(find),
  };
}

function heifFacts(bytes: Uint8Array): Facts {
  const file = new Bytes(bytes);
  const boxes = [...heifBoxes(file)];
  const all = (name: string): Part[] => boxes.filter((box) => box.name === name);
  const colours = all("colr");
  const nclx = colours.find(({ at }) => file.text(at, 4) === "nclx");
  const icc = colours.find(({ at }) => ["prof", "rICC"].includes(file.text(at, 4)));
  return {
    animated: /^(avis|msf1|hevc|hevs)$/.test(file.text(8, 4)),
    bits: Math.max(8, ...all("pixi").map(({ at }) => file.u8(at + 5))),
    profile: icc ? bytes.subarray(icc.at + 4, icc.at + icc.length) : null,
    ...(nclx ? { primaries: file.u16(nclx.at + 4) } : {}),
    metadata: all("infe").some(({ at }) => ["Exif", "mime"].includes(file.text(at + 8, 4))),
  };
}
