/** What of a photo goes into its result: by the format, and by its owner's choices. */

import type { Bridge } from "../engine/bridge";
import type { Window } from "../engine/engine.worker";
import { LOSSES, type Loss } from "../imaging/carried";
import { MOST_EXIF_OF_JPEG } from "../imaging/container";
import type { Deep } from "../imaging/deep";
import type { Output } from "../imaging/encoder";
import { exifOf } from "../imaging/exif";
import { cut, layOnWhite } from "../imaging/levels";
import type { OutputFormat } from "../imaging/output";
import type { PixelsApi } from "../imaging/pixels.worker";
import { recall, remember } from "../preferences";
import type { Rect } from "../tiles/tiles";
import type { Size } from "../view/view";
import { type Photo, takeWindow } from "./photo";

/** What somebody wants to be kept, where there is such. */
export interface Keep {
  /** Camera, settings and date. */
  readonly details: boolean;
  /** Where it was taken; goes with the details. */
  readonly place: boolean;
  readonly transparency: boolean;
}

/** As it was chosen last. The place is kept for nobody who has not asked for it. */
export function rememberedKeep(): Keep {
  const [details, transparency] = [recall("keepDetails"), recall("keepTransparency")];
  const place = recall("keepPlace") === "yes";
  return { details: details !== "no", place, transparency: transparency !== "no" };
}

export function rememberKeep({ details, place, transparency }: Keep): void {
  const say = (kept: boolean): string => (kept ? "yes" : "no");
  remember("keepDetails", say(details));
  remember("keepPlace", say(place));
  remember("keepTransparency", say(transparency));
}

interface Wanted {
  readonly photo: Photo;
  readonly format: OutputFormat;
  readonly keep: Keep;
}

/** What will be lost, in the order in which it is said. */
export function lossesOf(wanted: Wanted): Loss[] {
  const { photo, format, keep } = wanted;
  const found = new Set(photo.losses);
  if (keepsDepth(wanted)) for (const loss of ["depth", "gamut"] as const) found.delete(loss);
  if (photo.clear && !keepsAlpha(wanted)) found.add("transparency");
  const tooLong = format === "jpeg" && (photo.exif?.length ?? 0) > MOST_EXIF_OF_JPEG;
  if (tooLong && keep.details) found.add("details");
  return LOSSES.filter((loss) => found.has(loss));
}

function keepsDepth({ photo, format }: Wanted): boolean {
  return photo.deep !== null && format === "png";
}

function keepsAlpha({ photo, format, keep }: Wanted): boolean {
  return photo.clear !== null && format !== "jpeg" && keep.transparency;
}

/** Where the networks get their pixels from. */
export interface Source {
  readonly alpha: boolean;
  readonly deep: Deep | null;
  take(window: Rect): Promise<Window>;
}

export async function openSource(
  pixels: Bridge<PixelsApi>,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<Source> {
  const { photo } = wanted;
  const alpha = keepsAlpha(wanted);
  const file = keepsDepth(wanted) && photo.deep;
  if (file) {
    const deep = await pixels.call("deep", { file }, { signal });
    return { alpha, deep, take: async (window) => takeDeep(deep, window, alpha) };
  }
  const bitmap = (alpha && photo.clear) || photo.bitmap;
  return { alpha, deep: null, take: (window) => takeWindow(bitmap, window) };
}

function takeDeep(deep: Deep, window: Rect, alpha: boolean): Window {
  const data = cut(deep.data, deep.width, window);
  if (deep.alpha && !alpha) layOnWhite(data);
  return { data, width: window.width, height: window.height };
}

/** What is written of a photo besides its pixels. */
export function outputOf(
  { photo, format, keep }: Wanted,
  { alpha, deep }: Source,
  size: Size,
): Omit<Output, "quality"> {
  const exif = photo.exif && keep.details ? exifOf(photo.exif, size, keep.place) : null;
  const fits = format !== "jpeg" || (exif?.length ?? 0) <= MOST_EXIF_OF_JPEG;
  const { space } = photo;
  const depth = deep && { gray: deep.gray, colours: deep.colours };
  return { format, ...size, space, alpha, deep: depth, exif: fits ? exif : null };
}
