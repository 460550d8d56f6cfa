/** Pixels out of bitmaps and into them. */

let scratch: OffscreenCanvasRenderingContext2D | undefined;

/** The pixels of a bitmap, which is closed. */
export function takePixels(bitmap: ImageBitmap): ImageData {
  const { width, height } = bitmap;
  const context = scratchContext(width, height);
  context.globalCompositeOperation = "copy";
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.getImageData(0, 0, width, height);
}

/** A bitmap of pixels. */
export function toBitmap(
  rgba: Uint8ClampedArray<ArrayBuffer>,
  width: number,
  height: number,
): Promise<ImageBitmap> {
  return createImageBitmap(new ImageData(rgba, width, height));
}

/** The pixels of a PNG, exactly as stored. */
export async function decodeExactly(file: Blob): Promise<ImageData> {
  const exact = { colorSpaceConversion: "none", premultiplyAlpha: "none" } as const;
  return takePixels(await createImageBitmap(file, exact));
}

/** One canvas for all reads: it grows to the largest tile and stays in the CPU's memory. */
function scratchContext(width: number, height: number): OffscreenCanvasRenderingContext2D {
  if (!scratch) {
    const context = new OffscreenCanvas(width, height).getContext("2d", {
      willReadFrequently: true,
    });
    if (!context) throw new Error("no 2d canvas in workers");
    scratch = context;
  }
  if (scratch.canvas.width < width) scratch.canvas.width = width;
  if (scratch.canvas.height < height) scratch.canvas.height = height;
  return scratch;
}
