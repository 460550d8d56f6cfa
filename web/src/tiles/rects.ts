import type { Point, Size } from "../view/view";
import type { Rect } from "./tiles";

/** What two rectangles share, or null. */
export function intersect(a: Rect, b: Rect): Rect | null {
  const x = Math.max(a.x, b.x);
  const y = Math.max(a.y, b.y);
  const width = Math.min(a.x + a.width, b.x + b.width) - x;
  const height = Math.min(a.y + a.height, b.y + b.height) - y;
  return width > 0 && height > 0 ? { x, y, width, height } : null;
}

/** The smallest rectangle that holds both. */
export function unite(a: Rect, b: Rect): Rect {
  const x = Math.min(a.x, b.x);
  const y = Math.min(a.y, b.y);
  return {
    x,
    y,
    width: Math.max(a.x + a.width, b.x + b.width) - x,
    height: Math.max(a.y + a.height, b.y + b.height) - y,
  };
}

/** Whether `outer` holds all of `inner`. */
export function contains(outer: Rect, inner: Rect): boolean {
  return (
    outer.x <= inner.x &&
    outer.y <= inner.y &&
    outer.x + outer.width >= inner.x + inner.width &&
    outer.y + outer.height >= inner.y + inner.height
  );
}

/** Widens a rectangle on all sides, but not beyond `bounds`. */
export function grow(rect: Rect, margin: number, bounds: Rect): Rect {
  const x = Math.max(rect.x - margin, bounds.x);
  const y = Math.max(rect.y - margin, bounds.y);
  return {
    x,
    y,
    width: Math.min(rect.x + rect.width + margin, bounds.x + bounds.width) - x,
    height: Math.min(rect.y + rect.height + margin, bounds.y + bounds.height) - y,
  };
}

/** The same rectangle in pixels of an enlarged picture. */
export function times({ x, y, width, height }: Rect, scale: number): Rect {
  return { x: x * scale, y: y * scale, width: width * scale, height: height * scale };
}

/** All of a picture. */
export function wholeOf({ width, height }: Size): Rect {
  return { x: 0, y: 0, width, height };
}

/** A rectangle at another place. */
export function move(rect: Rect, by: Point): Rect {
  return { ...rect, x: rect.x + by.x, y: rect.y + by.y };
}
