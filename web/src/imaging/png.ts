/**
 * A PNG encoder that takes rows as they come.
 *
 * A canvas would need the whole result in memory, and browsers end at a few hundred megapixels or
 * far below. Here one band of rows is in memory, and what is compressed goes into blobs, which
 * browsers move to the disk when they grow.
 */

import { fileOf, u32 } from "./bytes";
import { crc32 } from "./crc32";
import { Deflater } from "./deflate";
import { RowFilter } from "./row-filter";

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
/** Colour types by samples of a pixel. */
const COLOUR_TYPES = [0, 0, 4, 2, 6];
/** PNG's filter type 4. It suits photographs best of the five, and trying all costs more time. */
const PAETH = 4;
export interface PngLayout {
  readonly width: number;
  readonly height: number;
  /** Samples of a pixel: gray, gray with alpha, RGB, RGBA. */
  readonly samples: number;
  readonly bits: 8 | 16;
}

export class PngEncoder {
  private readonly deflater = new Deflater();
  private readonly parts: Blob[] = [];
  private readonly stride: number;
  private readonly filter: RowFilter;

  /** @param chunks what is said of the picture besides its size, before its pixels */
  constructor(layout: PngLayout, chunks: readonly BlobPart[]) {
    const step = (layout.samples * layout.bits) / 8;
    this.stride = layout.width * step;
    this.filter = new RowFilter(this.stride, step);
    this.parts.push(new Blob([SIGNATURE, chunk("IHDR", header(layout)), ...chunks]));
  }

  /**
   * Takes the next rows.
   *
   * @param pixels (rows, width, samples), those of 16 bits big end first
   */
  write(pixels: Uint8Array): void {
    const { stride } = this;
    const rows = pixels.length / stride;
    const filtered = new Uint8Array(rows * (stride + 1));
    for (let row = 0; row < rows; row++) {
      const at = row * (stride + 1);
      filtered[at] = PAETH;
      this.filter.write(pixels.subarray(row * stride, (row + 1) * stride), filtered, at + 1);
    }
    this.parts.push(new Blob([chunk("IDAT", this.deflater.write(filtered))]));
  }

  finish(): Blob {
    const rest = [chunk("IDAT", this.deflater.finish()), chunk("IEND", [])];
    return new Blob([...this.parts, ...rest], { type: "image/png" });
  }
}

function header({ width, height, samples, bits }: PngLayout): Uint8Array<ArrayBuffer> {
  const rest = [bits, COLOUR_TYPES[samples] as number, 0, 0, 0];
  return fileOf(u32(width), u32(height), rest);
}

/** A whole chunk. */
export function chunk(
  name: string,
  content: Uint8Array | readonly number[],
): Uint8Array<ArrayBuffer> {
  const checked = fileOf(name, content);
  return fileOf(u32(content.length), checked, u32(crc32(checked)));
}

/** A chunk with a colour profile, by the name that it is given. */
export function profileChunk(name: string, profile: Uint8Array): Uint8Array<ArrayBuffer> {
  const deflater = new Deflater();
  return chunk("iCCP", fileOf(name, [0, 0], deflater.write(profile), deflater.finish()));
}
