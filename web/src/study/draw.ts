/** Enlarged details on canvases of the page. */

import { byId } from "../dom";

/** Enlarges by the canvas's own smoothing, which is bilinear. */
export function drawBilinear(id: string, detail: ImageBitmap, scale: number): void {
  const context = prepare(id, detail.width * scale, detail.height * scale);
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "low";
  context.drawImage(detail, 0, 0, context.canvas.width, context.canvas.height);
}

/** Shows a bitmap as it is, and closes it. */
export function drawBitmap(id: string, bitmap: ImageBitmap): void {
  prepare(id, bitmap.width, bitmap.height).drawImage(bitmap, 0, 0);
  bitmap.close();
}

function prepare(id: string, width: number, height: number): CanvasRenderingContext2D {
  const canvas = byId(id, HTMLCanvasElement);
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  if (!context) throw new Error("no 2d canvas");
  return context;
}
