/** Shrinks a picture to an exact size on its way to an encoder, as its tiles come. */

import type { Rect } from "../tiles/tiles";
import type { Size } from "../view/view";
import {
  planTaps,
  resampleColumns,
  resampleRows,
  rowsFirst,
  sliceTaps,
  type Taps,
} from "./bicubic";
import type { Encoder } from "./encoder";
import { type Levels, levelsLike } from "./levels";

/** Memory holds one row of tiles, and the rows before it that the next ones still need. */
export class Shrinker implements Encoder {
  private readonly rows: Taps;
  private readonly columns: Taps;
  private readonly isRowsFirst: boolean;
  private band: Levels = new Uint8ClampedArray(0);
  /** Rows from `top` on, which wait for those below them. */
  private waiting: Levels = this.band;
  private top = 0;
  private written = 0;

  constructor(
    private readonly encoder: Encoder,
    private readonly from: Size,
    private readonly to: Size,
  ) {
    this.rows = planTaps(from.height, to.height);
    this.columns = planTaps(from.width, to.width);
    this.isRowsFirst = rowsFirst(from, to);
  }

  async add(pixels: Levels, place: Rect): Promise<void> {
    const { width } = this.from;
    if (place.x === 0) this.band = levelsLike(pixels, place.height * width * 4);
    for (let row = 0; row < place.height; row++) {
      const part = pixels.subarray(row * place.width * 4, (row + 1) * place.width * 4);
      this.band.set(part, (row * width + place.x) * 4);
    }
    if (place.x + place.width === width) await this.take();
  }

  finish(): Promise<Blob> {
    return this.encoder.finish();
  }

  abort(): Promise<void> {
    return this.encoder.abort();
  }

  private async take(): Promise<void> {
    const { from, columns, isRowsFirst } = this;
    const band = isRowsFirst ? this.band : resampleColumns(this.band, from.width, columns);
    this.band = levelsLike(band, 0);
    const joined = levelsLike(band, this.waiting.length + band.length);
    joined.set(this.waiting);
    joined.set(band, this.waiting.length);
    this.waiting = joined;
    const stride = this.stride;
    const begun = this.written;
    this.written = this.countReady(this.top + joined.length / stride);
    if (this.written > begun) await this.write(begun, this.written);
    const kept = this.lowest(this.written);
    this.waiting = joined.slice((kept - this.top) * stride);
    this.top = kept;
  }

  private async write(begun: number, end: number): Promise<void> {
    const { from, to, columns, isRowsFirst } = this;
    const taps = sliceTaps(this.rows, begun, end, this.top);
    const rows = resampleRows(this.waiting, this.stride, taps);
    const whole = isRowsFirst ? resampleColumns(rows, from.width, columns) : rows;
    await this.encoder.add(whole, { x: 0, y: begun, width: to.width, height: end - begun });
  }

  private get stride(): number {
    return (this.isRowsFirst ? this.from : this.to).width * 4;
  }

  /** How many output rows can be made of the input's rows above `bottom`. */
  private countReady(bottom: number): number {
    let ready = this.written;
    while (ready < this.to.height && Math.max(...this.indicesOf(ready)) < bottom) ready++;
    return ready;
  }

  /** The first input row that output rows from `next` on need: mirrored ones reach back. */
  private lowest(next: number): number {
    if (next === this.to.height) return this.from.height;
    return this.rows.indices.subarray(next * this.rows.count).reduce((a, b) => Math.min(a, b));
  }

  private indicesOf(row: number): Int32Array {
    const { indices, count } = this.rows;
    return indices.subarray(row * count, (row + 1) * count);
  }
}
