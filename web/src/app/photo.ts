/** A photo that is open, and windows of it for the networks. */

import { Bridge } from "../engine/bridge";
import { AppError } from "../errors";
import type { Carried } from "../imaging/carried";
import type { Degradation } from "../imaging/degradation";
import type { PixelsApi } from "../imaging/pixels.worker";
import type { Rect } from "../tiles/tiles";

export interface Photo extends Carried {
  /** The file's name, to name the result by. */
  readonly name: string;
  readonly width: number;
  readonly height: number;
  /** Upright, opaque, in `space`: 4 bytes for each pixel. */
  readonly bitmap: ImageBitmap;
  readonly overview: ImageBitmap | null;
  /** The same with its transparent parts; null without any. */
  readonly clear: ImageBitmap | null;
  /** The file, if its 16 bits can be read from it. */
  readonly deep: Blob | null;
  /** What it lost before; null for a lossless file. */
  readonly degradation: Degradation | null;
}

export function spawnPixels(): Bridge<PixelsApi> {
  // The bundler knows a worker by exactly this form.
  const worker = new Worker(new URL("../imaging/pixels.worker.ts", import.meta.url), {
    type: "module",
    name: "pixels",
  });
  return new Bridge<PixelsApi>(worker);
}

/**
 * Opens a picture file.
 *
 * @throws AppError it is no picture, hostile or damaged
 */
export async function openPhoto(
  pixels: Bridge<PixelsApi>,
  file: Blob,
  name: string,
  signal: AbortSignal,
): Promise<Photo> {
  if (file.size === 0) throw new AppError("errorEmptyFile");
  const { isDeep, ...opened } = await pixels.call("open", { file, name }, { signal });
  const { width, height } = opened.bitmap;
  return { name, width, height, deep: isDeep ? file : null, ...opened };
}

export function closePhoto({ bitmap, overview, clear }: Photo): void {
  for (const part of [bitmap, overview, clear]) part?.close();
}

/** A part of a bitmap as one of its own, to be handed to a worker. */
export function takeWindow(
  bitmap: ImageBitmap,
  { x, y, width, height }: Rect,
): Promise<ImageBitmap> {
  return createImageBitmap(bitmap, x, y, width, height);
}
