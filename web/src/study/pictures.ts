/** The pictures of a study: details of photos, of JPEGs as people have them, and texts. */

import { closePhoto, type Photo, takeWindow } from "../app/photo";
import { type Catalogue, modelUrl } from "../engine/catalogue";
import { AppError } from "../errors";
import { intersect } from "../tiles/rects";
import type { Rect } from "../tiles/tiles";
import type { Point, Size } from "../view/view";
import type { Content, Item } from "./plan";
import { drawText, TEXT_PICTURES, type TextPicture } from "./text";

/** A square of a photo before it is enlarged, and what the whole photo lost before. */
export interface Detail extends Pick<Photo, "degradation" | "space"> {
  readonly bitmap: ImageBitmap;
}

/** A picture, and how to get its pixels. */
export interface Picture extends Item {
  load(): Promise<Detail>;
}

/** Opens a file that may be anything. */
type Open = (file: Blob) => Promise<Photo>;

/** Side of the square that is shown of a picture, in its own pixels. */
export const DETAIL_SIDE = 112;

/** Where details of a photo lie: the middle of the square, as shares of the photo. */
const PLACES = [
  ["a", { x: 0.3, y: 0.4 }],
  ["b", { x: 0.7, y: 0.6 }],
] as const satisfies readonly (readonly [string, Point])[];

/**
 * The host's photos in two details each, its JPEGs in one, first and second by turns, so that there
 * are as many; and the texts.
 */
export function standardPictures({ study }: Catalogue, open: Open): Picture[] {
  const files = (wanted: string) => study.filter(({ kind }) => kind === wanted);
  const photos = files("images").flatMap(({ file }) => [0, 1].map((at) => detail(file, at, open)));
  const jpegs = files("jpeg").map(({ file }, index) => detail(file, index % 2, open));
  return [...photos, ...jpegs, ...TEXT_PICTURES.map(textPicture)];
}

/** The participant's own photos, each in its middle. */
export function ownPictures(files: Iterable<File>, open: Open): Picture[] {
  return [...files].map((file) => ({
    content: contentOf(file.name),
    name: `own-${stem(file.name)}`,
    load: async () => cutFrom(await open(file), { x: 0.5, y: 0.5 }),
  }));
}

function detail(file: string, index: number, open: Open): Picture {
  const [letter, place] = PLACES[index] as (typeof PLACES)[number];
  return {
    content: contentOf(file),
    name: `${stem(file)}-${letter}`,
    load: async () => cutFrom(await open(await fetchPicture(file)), place),
  };
}

function contentOf(file: string): Content {
  return /\.jpe?g$/i.test(file) ? "jpeg" : "images";
}

async function cutFrom(photo: Photo, place: Point): Promise<Detail> {
  const { degradation, space } = photo;
  const bitmap = await takeWindow(photo.bitmap, detailRect(photo, place));
  closePhoto(photo);
  return { bitmap, degradation, space };
}

function textPicture(text: TextPicture): Picture {
  const load = async (): Promise<Detail> => ({
    bitmap: await createImageBitmap(drawText(text, DETAIL_SIDE)),
    degradation: null,
    space: "srgb",
  });
  return { content: "text", name: text.name, load };
}

async function fetchPicture(file: string): Promise<Blob> {
  const response = await fetch(modelUrl(file));
  if (!response.ok) throw new AppError("errorNotImage");
  return response.blob();
}

/** The square around a place, moved into the picture; all of a picture that is smaller. */
export function detailRect({ width, height }: Size, at: Point): Rect {
  const side = DETAIL_SIDE;
  const whole = { x: 0, y: 0, width, height };
  const x = Math.round(Math.min(Math.max(at.x * width - side / 2, 0), Math.max(0, width - side)));
  const y = Math.round(Math.min(Math.max(at.y * height - side / 2, 0), Math.max(0, height - side)));
  return intersect({ x, y, width: side, height: side }, whole) ?? whole;
}

function stem(path: string): string {
  return (path.split("/").at(-1) ?? path).replace(/\.\w+$/, "");
}
