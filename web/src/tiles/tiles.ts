/**
 * Tile plans: how a large picture is run in pieces without a seam.
 *
 * The arithmetic of the Python runtime's `runtime/tiling.py`, held to the same golden plans
 * (`tests/golden/tiles.json`). Along each axis, cores cover the picture exactly once; a core is
 * computed inside a window that gives it `halo` pixels of context on each side, or all there are
 * up to the border. All windows of a plan have one size.
 */

/** One tile along one axis, in LR pixels; stops are exclusive. */
export interface Span {
  readonly start: number;
  readonly stop: number;
  readonly coreStart: number;
  readonly coreStop: number;
}

/** One run of the network: its window and the core that is kept of it. */
export interface Tile {
  readonly rows: Span;
  readonly columns: Span;
}

/** A rectangle of whole pixels. */
export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const FLOAT_BYTES = 4;

/**
 * Cuts one axis.
 *
 * @param size length of the axis, at least 1
 * @param tile length of a core with context on both sides, at least 1
 * @param halo context on each side, at least 0
 * @throws RangeError a value below its least
 */
export function planAxis(size: number, tile: number, halo: number): Span[] {
  if (size < 1 || tile < 1 || halo < 0) {
    throw new RangeError(`size ${size}, tile ${tile}, halo ${halo}: must be at least 1, 1 and 0`);
  }
  const count = Math.ceil((size - 2 * halo) / tile);
  if (count <= 1) return [{ start: 0, stop: size, coreStart: 0, coreStop: size }];
  const window = Math.ceil((size + 2 * halo * (count - 1)) / count);
  const start = (index: number): number => Math.floor((index * (size - window)) / (count - 1));
  // Neighbours overlap by two halos at least: the cut in the middle leaves each its context.
  const cut = (index: number): number => {
    if (index === 0) return 0;
    if (index === count) return size;
    return Math.floor((start(index) + start(index - 1) + window) / 2);
  };
  return Array.from({ length: count }, (_, index) => ({
    start: start(index),
    stop: start(index) + window,
    coreStart: cut(index),
    coreStop: cut(index + 1),
  }));
}

/** Cuts a picture, row by row; see `planAxis`. */
export function planTiles(height: number, width: number, tile: number, halo: number): Tile[] {
  const columns = planAxis(width, tile, halo);
  return planAxis(height, tile, halo).flatMap((rows) =>
    columns.map((column) => ({ rows, columns: column })),
  );
}

/** The rectangle that a tile gives the network. */
export function windowOf({ rows, columns }: Tile): Rect {
  return {
    x: columns.start,
    y: rows.start,
    width: columns.stop - columns.start,
    height: rows.stop - rows.start,
  };
}

/** The rectangle that is kept of a tile. */
export function coreOf({ rows, columns }: Tile): Rect {
  return {
    x: columns.coreStart,
    y: rows.coreStart,
    width: columns.coreStop - columns.coreStart,
    height: rows.coreStop - rows.coreStart,
  };
}

/** What a tile's size depends on. */
export interface TileCost {
  readonly halo: number;
  /** Values that the engine holds at once for one LR pixel. */
  readonly valuesPerPixel: number;
  /** Time for one LR pixel, in milliseconds; undefined before it was measured. */
  readonly msPerPixel: number | undefined;
}

/**
 * The side of a core whose window stays under a memory and a time.
 *
 * A run cannot be interrupted, so its time is how long a cancel may be waited for. At least two
 * halos, or most of the work would go into context.
 */
export function tileSide(cost: TileCost, bytes: number, milliseconds: number): number {
  const byMemory = bytes / (FLOAT_BYTES * cost.valuesPerPixel);
  const byTime = cost.msPerPixel === undefined ? byMemory : milliseconds / cost.msPerPixel;
  const window = Math.floor(Math.sqrt(Math.min(byMemory, byTime)));
  return Math.max(window - 2 * cost.halo, 2 * cost.halo, 16);
}
