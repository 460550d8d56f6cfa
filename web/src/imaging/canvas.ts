/** Pixels out of bitmaps and into them. */

import { AppError } from "../errors";
import type { Size } from "../view/view";

/** One canvas for all reads of a colour space. */
const scratch = new Map<PredefinedColorSpace, OffscreenCanvasRenderingContext2D>();

/** The pixels of a bitmap, which is closed. */
export function takePixels(bitmap: ImageBitmap, colorSpace: PredefinedColorSpace): ImageData {
  const { width, height } = bitmap;
  const context = scratchContext(width, height, colorSpace);
  context.globalCompositeOperation = "copy";
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.getImageData(0, 0, width, height, { colorSpace });
}

/** A bitmap of pixels. */
export function toBitmap(
  rgba: Uint8ClampedArray<ArrayBuffer>,
  width: number,
  height: number,
  colorSpace: PredefinedColorSpace,
): Promise<ImageBitmap> {
  return createImageBitmap(new ImageData(rgba, width, height, { colorSpace }));
}

/** The pixels of a PNG, exactly as stored. */
export async function decodeExactly(file: Blob): Promise<ImageData> {
  const exact = { colorSpaceConversion: "none", premultiplyAlpha: "none" } as const;
  return takePixels(await createImageBitmap(file, exact), "srgb");
}

/** It grows to the largest tile and stays in the CPU's memory. */
function scratchContext(
  width: number,
  height: number,
  colorSpace: PredefinedColorSpace,
): OffscreenCanvasRenderingContext2D {
  const context = scratch.get(colorSpace) ?? openContext({ width, height }, { colorSpace });
  scratch.set(colorSpace, context);
  if (context.canvas.width < width) context.canvas.width = width;
  if (context.canvas.height < height) context.canvas.height = height;
  return context;
}

/**
 * A canvas in the CPU's memory: that of graphics may be smaller than a picture.
 *
 * @throws AppError the browser cannot hold so many pixels
 */
export function openContext(
  { width, height }: Size,
  settings: CanvasRenderingContext2DSettings,
): OffscreenCanvasRenderingContext2D {
  const options = { ...settings, willReadFrequently: true };
  const context = new OffscreenCanvas(width, height).getContext("2d", options);
  if (!context) throw new AppError("errorCanvas", { width, height });
  return context;
}
