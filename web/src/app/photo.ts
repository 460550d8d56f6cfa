/** A photo that is open, and windows of it for the networks. */

import { Bridge } from "../engine/bridge";
import type { Degradation } from "../imaging/degradation";
import type { Loss } from "../imaging/losses";
import type { PixelsApi } from "../imaging/pixels.worker";
import type { Rect } from "../tiles/tiles";

export interface Photo {
  /** The file's name, to name the result by. */
  readonly name: string;
  readonly width: number;
  readonly height: number;
  /** Upright, sRGB, opaque: 4 bytes for each pixel. */
  readonly bitmap: ImageBitmap;
  readonly overview: ImageBitmap | null;
  /** What of the file is not shown, or not kept. */
  readonly losses: readonly Loss[];
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
  const opened = await pixels.call("open", { file }, { signal });
  const { width, height } = opened.bitmap;
  return { name, width, height, ...opened };
}

export function closePhoto({ bitmap, overview }: Photo): void {
  bitmap.close();
  overview?.close();
}

/** A part of the photo as a bitmap of its own, to be handed to a worker. */
export function takeWindow({ bitmap }: Photo, { x, y, width, height }: Rect): Promise<ImageBitmap> {
  return createImageBitmap(bitmap, x, y, width, height);
}
