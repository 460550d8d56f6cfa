/** Layers that lie over the photo where it is enlarged: SplitSR's, and bicubic to compare with. */

import { type Photo, takeWindow } from "../app/photo";
import type { Bridge } from "../engine/bridge";
import type { Engine } from "../engine/engine";
import type { Network } from "../engine/restore";
import type { PixelsApi } from "../imaging/pixels.worker";
import { Cells, type Piece } from "../tiles/cells";
import { grow } from "../tiles/rects";
import { type Rect, tileSide } from "../tiles/tiles";

export type Against = "bilinear" | "bicubic";

export interface Layer {
  /** Tells its tiles from those of other layers in the cache. */
  readonly id: string;
  readonly scale: number;
  readonly cells: Cells;
  /** Enlarges a part of the photo; at half its size with `half`. */
  compute(piece: Piece, half: boolean, signal: AbortSignal): Promise<ImageBitmap>;
}

/** The largest core that the view is computed in: small, so that something new is seen often. */
const VIEW_SIDE = 192;
/** Memory that a run may take, as `values_per_pixel` estimates it. */
export const RUN_BYTES = 96 * 2 ** 20;
/** A run for the view may take this long: no run is interrupted when the view moves. */
const VIEW_RUN_MS = 250;
const BICUBIC_HALO = 3;

/** What is drawn over a photo: what is sharpened, and what it is compared with; null for bilinear. */
export interface Layers {
  readonly sharp: Layer;
  readonly plain: Layer | null;
}

export function layersOf(
  engine: Engine,
  pixels: Bridge<PixelsApi>,
  network: Network,
  photo: Photo,
  against: Against,
): Layers {
  const plain = against === "bicubic" ? bicubicLayer(pixels, network.model.scale, photo) : null;
  return { sharp: networkLayer(engine, network, photo), plain };
}

/** SplitSR's layer. */
function networkLayer(engine: Engine, network: Network, photo: Photo): Layer {
  const { model, strength } = network;
  const cost = {
    halo: model.halo,
    valuesPerPixel: model.values_per_pixel,
    msPerPixel: engine.msPerPixel(model),
  };
  const side = Math.min(VIEW_SIDE, tileSide(cost, RUN_BYTES, VIEW_RUN_MS));
  return {
    id: `${model.name}@${strength}`,
    scale: model.scale,
    cells: new Cells(photo, side, model.halo),
    async compute({ part }, half, signal) {
      const { bitmap, core } = await cutOut(photo, part, model.halo);
      return engine.draw({ network, window: bitmap, core, space: photo.space, signal }, half);
    },
  };
}

/** Bicubic's layer. */
function bicubicLayer(pixels: Bridge<PixelsApi>, scale: number, photo: Photo): Layer {
  return {
    id: `bicubic-x${scale}`,
    scale,
    cells: new Cells(photo, VIEW_SIDE, BICUBIC_HALO),
    async compute({ part }, half, signal) {
      const { bitmap, core } = await cutOut(photo, part, BICUBIC_HALO);
      const request = { window: bitmap, core, space: photo.space, scale, half };
      return pixels.call("bicubic", request, { signal, transfer: [bitmap] });
    },
  };
}

/** A part of the photo with its halo, and where the part lies in it. */
async function cutOut(
  photo: Photo,
  part: Rect,
  halo: number,
): Promise<{ bitmap: ImageBitmap; core: Rect }> {
  const window = grow(part, halo, { x: 0, y: 0, width: photo.width, height: photo.height });
  const bitmap = await takeWindow(photo.bitmap, window);
  return { bitmap, core: { ...part, x: part.x - window.x, y: part.y - window.y } };
}
