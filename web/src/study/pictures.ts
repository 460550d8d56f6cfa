/** The pictures of a study: details of photos, and texts. */

import { type Catalogue, modelUrl } from "../catalogue";
import { AppError } from "../errors";
import { intersect } from "../rects";
import type { Rect } from "../tiles";
import type { Point, Size } from "../view";
import type { Item } from "./plan";
import { drawText, TEXT_PICTURES, type TextPicture } from "./text";

/** A picture, and how to get its pixels before they are enlarged. */
export interface Picture extends Item {
  load(): Promise<ImageBitmap>;
}

/** Side of the square that is shown of a picture, in its own pixels. */
export const DETAIL_SIDE = 112;

/** Where details of a photo lie: the middle of the square, as shares of the photo. */
const PLACES: Readonly<Record<string, Point>> = {
  a: { x: 0.3, y: 0.4 },
  b: { x: 0.7, y: 0.6 },
};

/** The host's photos, in two details each, and the texts. */
export function standardPictures({ study }: Catalogue): Picture[] {
  const photos = study.filter(({ kind }) => kind === "images");
  return [
    ...photos.flatMap(({ file }) => details(stem(file), () => fetchPicture(file))),
    ...TEXT_PICTURES.map(textPicture),
  ];
}

/**
 * The participant's own photos, each in its middle.
 *
 * @param open decodes a file that may be anything
 */
export function ownPictures(
  files: Iterable<File>,
  open: (file: File) => Promise<ImageBitmap>,
): Picture[] {
  return [...files].map((file) => ({
    content: "images",
    name: `own-${stem(file.name)}`,
    load: async () => cutDetail(await open(file), { x: 0.5, y: 0.5 }),
  }));
}

function details(name: string, fetchWhole: () => Promise<Blob>): Picture[] {
  return Object.entries(PLACES).map(([letter, place]) => ({
    content: "images",
    name: `${name}-${letter}`,
    load: async () => cutDetail(await decode(await fetchWhole()), place),
  }));
}

function textPicture(text: TextPicture): Picture {
  const load = (): Promise<ImageBitmap> => createImageBitmap(drawText(text, DETAIL_SIDE));
  return { content: "text", name: text.name, load };
}

async function fetchPicture(file: string): Promise<Blob> {
  const response = await fetch(modelUrl(file));
  if (!response.ok) throw new AppError("errorNotImage");
  return response.blob();
}

async function decode(file: Blob): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    throw new AppError("errorNotImage");
  }
}

/** A square of a picture, which is closed; see `detailRect`. */
export async function cutDetail(
  whole: ImageBitmap,
  at: Point,
  side = DETAIL_SIDE,
): Promise<ImageBitmap> {
  const { x, y, width, height } = detailRect(whole, at, side);
  const detail = await createImageBitmap(whole, x, y, width, height);
  whole.close();
  return detail;
}

/** The square around a place, moved into the picture; all of a picture that is smaller. */
export function detailRect({ width, height }: Size, at: Point, side = DETAIL_SIDE): Rect {
  const whole = { x: 0, y: 0, width, height };
  const x = Math.round(Math.min(Math.max(at.x * width - side / 2, 0), Math.max(0, width - side)));
  const y = Math.round(Math.min(Math.max(at.y * height - side / 2, 0), Math.max(0, height - side)));
  return intersect({ x, y, width: side, height: side }, whole) ?? whole;
}

function stem(path: string): string {
  return (path.split("/").at(-1) ?? path).replace(/\.\w+$/, "");
}
