/**
 * Which part of the photo is seen: pure geometry.
 *
 * A view is the photo pixel at the centre of the stage and the zoom, device pixels for one photo
 * pixel. The stage is measured in device pixels too, so that zoom 1 shows the photo's own pixels.
 */

import type { Rect } from "../tiles/tiles";

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface View extends Point {
  readonly zoom: number;
}

/** Beyond this, single pixels are as large as a fingertip and nothing more is to be seen. */
export const MAX_ZOOM = 16;

/** The zoom at which all of the photo is seen. */
export function fitZoom(photo: Size, stage: Size): number {
  const zoom = Math.min(stage.width / photo.width, stage.height / photo.height);
  return Math.min(zoom, MAX_ZOOM);
}

/** The view of the whole photo. */
export function fitView(photo: Size, stage: Size): View {
  return { x: photo.width / 2, y: photo.height / 2, zoom: fitZoom(photo, stage) };
}

/** Brings a zoom back into its range: no smaller than fitting, or than 1 for small photos. */
export function clampZoom(zoom: number, photo: Size, stage: Size): number {
  return Math.min(Math.max(zoom, Math.min(fitZoom(photo, stage), 1)), MAX_ZOOM);
}

/** Brings a view back to where there is photo: a zoom in range, and no empty margin. */
export function clampView(view: View, photo: Size, stage: Size): View {
  const zoom = clampZoom(view.zoom, photo, stage);
  return {
    x: clampCentre(view.x, photo.width, stage.width / zoom),
    y: clampCentre(view.y, photo.height, stage.height / zoom),
    zoom,
  };
}

function clampCentre(centre: number, length: number, seen: number): number {
  if (seen >= length) return length / 2;
  return Math.min(Math.max(centre, seen / 2), length - seen / 2);
}

/** Moves the photo by device pixels: the finger's way is the photo's way. */
export function panBy(view: View, dx: number, dy: number): View {
  return { ...view, x: view.x - dx / view.zoom, y: view.y - dy / view.zoom };
}

/** Zooms so that the photo pixel under `at`, device pixels from the stage's corner, stays there. */
export function zoomAt(view: View, zoom: number, at: Point, stage: Size): View {
  const fromCentre = { x: at.x - stage.width / 2, y: at.y - stage.height / 2 };
  const move = 1 / view.zoom - 1 / zoom;
  return { x: view.x + fromCentre.x * move, y: view.y + fromCentre.y * move, zoom };
}

/**
 * Where the photo's corner lies on the stage, in device pixels. At whole zooms it lies on one, so
 * that the enlarged photo's pixels are the screen's.
 */
export function photoOrigin(view: View, stage: Size): Point {
  const x = stage.width / 2 - view.x * view.zoom;
  const y = stage.height / 2 - view.y * view.zoom;
  return Number.isInteger(view.zoom) ? { x: Math.round(x), y: Math.round(y) } : { x, y };
}

/** The photo pixel under a point of the stage. */
export function photoPoint(view: View, at: Point, stage: Size): Point {
  const origin = photoOrigin(view, stage);
  return { x: (at.x - origin.x) / view.zoom, y: (at.y - origin.y) / view.zoom };
}

/** The photo pixels that are seen, whole ones, or null if there are none. */
export function visibleRect(view: View, photo: Size, stage: Size): Rect | null {
  const halfWidth = stage.width / 2 / view.zoom;
  const halfHeight = stage.height / 2 / view.zoom;
  const x = Math.max(0, Math.floor(view.x - halfWidth));
  const y = Math.max(0, Math.floor(view.y - halfHeight));
  const width = Math.min(photo.width, Math.ceil(view.x + halfWidth)) - x;
  const height = Math.min(photo.height, Math.ceil(view.y + halfHeight)) - y;
  return width > 0 && height > 0 ? { x, y, width, height } : null;
}

/** A view on the way between two others; zoom moves evenly in its logarithm. */
export function between(from: View, to: View, share: number): View {
  const zoom = from.zoom * (to.zoom / from.zoom) ** share;
  // The centre moves with the zoom, so that the point that both views agree on stands still.
  const moved =
    from.zoom === to.zoom ? share : (1 / from.zoom - 1 / zoom) / (1 / from.zoom - 1 / to.zoom);
  return { x: from.x + (to.x - from.x) * moved, y: from.y + (to.y - from.y) * moved, zoom };
}
