/**
 * Sharpens what is seen: when the view rests, its pieces are computed, nearest to the centre first.
 * When the view moves, what has not begun is dropped; what is computed stays in a bounded cache.
 */

import { isAbort } from "../errors";
import { type Piece, remaining } from "../tiles/cells";
import { LruCache } from "../tiles/lru";
import type { Rect } from "../tiles/tiles";
import type { Layer } from "./layers";

/** What is computed of a cell. */
export interface Patch {
  readonly part: Rect;
  readonly bitmap: ImageBitmap;
}

/** Pieces that are at the workers at once: while one is computed the next is on its way. */
const AT_ONCE = 2;
const BYTES_PER_PIXEL = 4;

/** Memory for patches: less on devices that say that they have little. */
export function patchBytes(deviceGigabytes: number | undefined): number {
  return (deviceGigabytes !== undefined && deviceGigabytes <= 2 ? 48 : 96) * 2 ** 20;
}

export class Sharpener {
  private readonly patches: LruCache<Patch>;
  private controller = new AbortController();

  /**
   * @param bytes memory for patches
   * @param onPatch called when there is more to draw
   */
  constructor(
    bytes: number,
    private readonly onPatch: () => void,
  ) {
    this.patches = new LruCache(bytes, ({ bitmap }) => bitmap.close());
  }

  /** Bytes that the patches take, their limit, and how many there are. */
  get usage(): { bytes: number; limit: number; tiles: number } {
    return { bytes: this.patches.bytes, limit: this.patches.limit, tiles: this.patches.size };
  }

  /** Drops what has not begun. */
  stop(): void {
    this.controller.abort(new DOMException("the view moved", "AbortError"));
    this.controller = new AbortController();
  }

  /** Forgets all patches: another photo. */
  clear(): void {
    this.stop();
    this.patches.clear();
  }

  /** What of a layer is there for `seen`. */
  visible(layer: Layer, seen: Rect, half: boolean): Patch[] {
    const pieces = layer.cells.pieces(seen);
    return pieces.flatMap(({ cell }) => this.patches.peek(keyOf(layer, half, cell)) ?? []);
  }

  /** Whether all of `seen` is there, or all that the layer's share of the memory holds. */
  isSharp(layer: Layer, seen: Rect, half: boolean, share: number): boolean {
    return this.missing(layer, seen, half, share).length === 0;
  }

  /**
   * Computes what is missing of `seen`.
   *
   * @param half keeps it at half the layer's scale
   * @param share of the memory that the layer may fill
   * @returns whether it came to its end; false if the view moved
   * @throws AppError the engine failed
   */
  async sharpen(layer: Layer, seen: Rect, half: boolean, share: number): Promise<boolean> {
    const { signal } = this.controller;
    const queue = this.missing(layer, seen, half, share);
    const lane = async (): Promise<void> => {
      for (let piece = queue.shift(); piece; piece = queue.shift()) {
        await this.computeOne(layer, piece, half, signal);
      }
    };
    try {
      await Promise.all(Array.from({ length: AT_ONCE }, lane));
      return true;
    } catch (error) {
      if (isAbort(error)) return false;
      throw error;
    }
  }

  private missing(layer: Layer, seen: Rect, half: boolean, share: number): Piece[] {
    let room = this.patches.limit * share;
    return layer.cells.pieces(seen).flatMap((piece) => {
      const have = this.patches.get(keyOf(layer, half, piece.cell))?.part;
      const left = remaining(piece, have);
      room -= bytesOf(left?.part ?? (have as Rect), layer.scale, half);
      // What the memory cannot hold would only push out what is nearer to the centre.
      return left && room >= 0 ? [left] : [];
    });
  }

  private async computeOne(
    layer: Layer,
    piece: Piece,
    half: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    signal.throwIfAborted();
    const bitmap = await layer.compute(piece, half, signal);
    if (signal.aborted) bitmap.close();
    signal.throwIfAborted();
    const bytes = bytesOf(piece.part, layer.scale, half);
    this.patches.set(keyOf(layer, half, piece.cell), { part: piece.part, bitmap }, bytes);
    this.onPatch();
  }
}

function keyOf(layer: Layer, half: boolean, cell: string): string {
  return `${layer.id}${half ? "/2" : ""}:${cell}`;
}

function bytesOf(part: Rect, scale: number, half: boolean): number {
  const shown = half ? scale / 2 : scale;
  return part.width * part.height * shown ** 2 * BYTES_PER_PIXEL;
}
