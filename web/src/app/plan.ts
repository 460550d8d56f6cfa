/** What a photo, or a part of it, is to become: through which model, and how large. */

import type { Catalogue, Model } from "../engine/catalogue";
import { type Choice, roundHalfEven } from "../engine/restore";
import { AppError } from "../errors";
import { wholeOf } from "../tiles/rects";
import type { Rect } from "../tiles/tiles";
import type { Size } from "../view/view";

/** What is asked for, whatever the photo. */
export interface Wish {
  /** Pixels that the longer side is to have; null for the model's scale. */
  readonly side: number | null;
  /** What of the photo; null for all of it. */
  readonly part: Rect | null;
}

export interface Plan {
  readonly network: Choice;
  /** What of the photo is enlarged. */
  readonly part: Rect;
  /** Of the result. */
  readonly size: Size;
  /** What the result's name says of it: `x4`, `1024px`, `x4_crop`. */
  readonly label: string;
}

/**
 * Plans a photo.
 *
 * @param networkFor what a model is mixed with for this photo
 * @throws AppError it cannot have the size
 */
export function planPhoto(
  catalogue: Catalogue,
  chosen: Model,
  networkFor: (model: Model) => Choice,
  photo: Size,
  { side, part }: Wish,
): Plan {
  const taken = part ?? wholeOf(photo);
  const model = modelFor(catalogue, chosen, taken, side);
  const size = sizeOf(taken, model.scale, side);
  const label = `${side === null ? `x${model.scale}` : `${side}px`}${part ? "_crop" : ""}`;
  return { network: networkFor(model), part: taken, size, label };
}

/**
 * The model that a part of a photo goes through: the one that was chosen, or for a size in pixels the
 * smallest of its family that reaches it.
 *
 * @param side pixels that the longer side is to have; null for the chosen model's scale
 * @throws AppError the part is as large already, or no model reaches the size
 */
export function modelFor(
  { models }: Catalogue,
  chosen: Model,
  part: Size,
  side: number | null,
): Model {
  if (side === null) return chosen;
  const found = longerSide(part);
  const family = models.filter(({ label }) => label === chosen.label);
  const large = family.filter(({ scale }) => found * scale >= side);
  const smallest = large.sort((a, b) => a.scale - b.scale)[0];
  if (smallest && side > found) return smallest;
  const most = found * Math.max(...family.map(({ scale }) => scale));
  throw new AppError("sizeRange", { found, least: found + 1, most });
}

/** The result's size, rounded as the Python package rounds it. */
export function sizeOf(part: Size, scale: number, side: number | null): Size {
  const factor = side === null ? scale : side / longerSide(part);
  const scaled = (length: number): number => Math.max(1, roundHalfEven(length * factor));
  return { width: scaled(part.width), height: scaled(part.height) };
}

function longerSide({ width, height }: Size): number {
  return Math.max(width, height);
}
