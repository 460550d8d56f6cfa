/** Draws the photo and what is sharpened of it. */

import type { Photo } from "../app/photo";
import type { Rect } from "../tiles/tiles";
import type { Patch } from "./sharpener";
import { photoOrigin, type Size, type View, visibleRect } from "./view";

export interface Scene {
  readonly photo: Photo;
  readonly view: View;
  readonly stage: Size;
  /** SplitSR's patches, and those of what it is compared with (none for bilinear). */
  readonly sharp: readonly Patch[];
  readonly plain: readonly Patch[];
  /** Device pixels from the left in which the plain picture is shown: 0 for nowhere. */
  readonly split: number;
}

/** Draws a scene. The canvas's own smoothing is bilinear: the phone's digital zoom. */
export function drawScene(context: CanvasRenderingContext2D, scene: Scene): void {
  const { photo, view, stage, split } = scene;
  context.clearRect(0, 0, stage.width, stage.height);
  context.imageSmoothingEnabled = true;
  const seen = visibleRect(view, photo, stage);
  if (!seen) return;
  drawBase(context, scene, seen);
  context.imageSmoothingQuality = "low";
  if (split > 0) drawPatches(context, scene, scene.plain, 0, split);
  if (split < stage.width) drawPatches(context, scene, scene.sharp, split, stage.width);
}

function drawBase(
  context: CanvasRenderingContext2D,
  { photo, view, stage }: Scene,
  seen: Rect,
): void {
  const { overview } = photo;
  const fromAfar = overview !== null && view.zoom <= overviewShare(photo, overview);
  context.imageSmoothingQuality = view.zoom < 1 ? "medium" : "low";
  drawPart(context, photo, fromAfar ? overview : photo.bitmap, seen, view, stage);
}

/** Pixels of the overview for one of the photo, along the longer side, where rounding tells least. */
function overviewShare(photo: Size, overview: Size): number {
  return Math.max(overview.width, overview.height) / Math.max(photo.width, photo.height);
}

function drawPatches(
  context: CanvasRenderingContext2D,
  { view, stage }: Scene,
  patches: readonly Patch[],
  from: number,
  to: number,
): void {
  context.save();
  context.beginPath();
  context.rect(from, 0, to - from, stage.height);
  context.clip();
  const origin = photoOrigin(view, stage);
  for (const { part, bitmap } of patches) {
    context.drawImage(
      bitmap,
      origin.x + part.x * view.zoom,
      origin.y + part.y * view.zoom,
      part.width * view.zoom,
      part.height * view.zoom,
    );
  }
  context.restore();
}

/** Draws the seen part of the photo from a bitmap of it, of whatever size. */
function drawPart(
  context: CanvasRenderingContext2D,
  photo: Size,
  bitmap: ImageBitmap,
  seen: Rect,
  view: View,
  stage: Size,
): void {
  const origin = photoOrigin(view, stage);
  const { x, y, width, height } = scaled(seen, photo, bitmap);
  context.drawImage(
    bitmap,
    x,
    y,
    width,
    height,
    origin.x + seen.x * view.zoom,
    origin.y + seen.y * view.zoom,
    seen.width * view.zoom,
    seen.height * view.zoom,
  );
}

/** Where a part of the photo lies in a bitmap of another size: of narrow ones the sides differ. */
export function scaled(part: Rect, photo: Size, bitmap: Size): Rect {
  const [across, down] = [bitmap.width / photo.width, bitmap.height / photo.height];
  return {
    x: part.x * across,
    y: part.y * down,
    width: part.width * across,
    height: part.height * down,
  };
}
