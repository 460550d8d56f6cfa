/**
 * What of the visible region has to be computed.
 *
 * The photo is cut into cells, the cores of a tile plan, so that what was computed once is found
 * again. Of a cell that is seen in part, only that part is computed: the halo around it is real
 * photo, so that the result is the same as in the whole.
 */

import type { Size } from "../view/view";
import { contains, grow, intersect, unite } from "./rects";
import { coreOf, planAxis, type Rect, type Span } from "./tiles";

/** A piece of work: which cell, and which part of the photo. */
export interface Piece {
  readonly cell: string;
  /** What is computed and kept, in photo pixels. */
  readonly part: Rect;
}

/** Neighbouring pieces share this many photo pixels, or a hairline would show between them. */
const OVERLAP = 1;
/** Parts grow to this grid, so that a small step to the side finds them computed. */
const GRID = 16;

/** Cells of one photo for one network. */
export class Cells {
  private readonly rows: readonly Span[];
  private readonly columns: readonly Span[];
  private readonly bounds: Rect;

  constructor(photo: Size, side: number, halo: number) {
    this.rows = planAxis(photo.height, side, halo);
    this.columns = planAxis(photo.width, side, halo);
    this.bounds = { x: 0, y: 0, width: photo.width, height: photo.height };
  }

  /** The pieces that cover `seen`, nearest to its centre first. */
  pieces(seen: Rect): Piece[] {
    const pieces = this.rows.flatMap((rows, row) =>
      this.columns.flatMap((columns, column) => {
        const core = coreOf({ rows, columns });
        const part = intersect(core, seen);
        if (!part) return [];
        const cell = grow(core, OVERLAP, this.bounds);
        return [{ cell: `${row}.${column}`, part: this.snap(grow(part, OVERLAP, cell), cell) }];
      }),
    );
    return pieces.sort((a, b) => distance(a.part, seen) - distance(b.part, seen));
  }

  private snap(part: Rect, cell: Rect): Rect {
    const x = Math.floor(part.x / GRID) * GRID;
    const y = Math.floor(part.y / GRID) * GRID;
    const width = Math.ceil((part.x + part.width) / GRID) * GRID - x;
    const height = Math.ceil((part.y + part.height) / GRID) * GRID - y;
    return intersect({ x, y, width, height }, cell) ?? part;
  }
}

/** Of a piece, what is left to do when `have` is there: null if nothing. */
export function remaining(piece: Piece, have: Rect | undefined): Piece | null {
  if (!have) return piece;
  return contains(have, piece.part) ? null : { ...piece, part: unite(have, piece.part) };
}

function distance(part: Rect, seen: Rect): number {
  const dx = part.x + part.width / 2 - seen.x - seen.width / 2;
  const dy = part.y + part.height / 2 - seen.y - seen.height / 2;
  return dx * dx + dy * dy;
}
