/**
 * A PNG encoder that takes rows as they come.
 *
 * A canvas would need the whole result in memory, and browsers end at a few hundred megapixels or
 * far below. Here one band of rows is in memory, and what is compressed goes into blobs, which
 * browsers move to the disk when they grow.
 */

import { crc32 } from "./crc32";

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const CHANNELS = 3;
/** PNG's filter type 4. It suits photographs best of the five, and trying all costs more time. */
const PAETH = 4;
/** What is compressed is handed over to a blob in pieces of this size. */
const PIECE_BYTES = 4 * 2 ** 20;

export class PngEncoder {
  private readonly compressor = new CompressionStream("deflate");
  private readonly writer = this.compressor.writable.getWriter();
  private readonly parts: Blob[] = [];
  private readonly collecting: Promise<void>;
  private above: Uint8Array;

  constructor(
    readonly width: number,
    readonly height: number,
  ) {
    this.above = new Uint8Array(width * CHANNELS);
    this.parts.push(new Blob([SIGNATURE, chunk("IHDR", header(width, height)), SRGB]));
    this.collecting = this.collect();
    this.collecting.catch(() => {}); // told by `write` or `finish`
  }

  /**
   * Takes the next rows, and returns when they are compressed.
   *
   * @param rgb (rows, width, 3) uint8
   */
  async write(rgb: Uint8Array): Promise<void> {
    const stride = this.width * CHANNELS;
    const rows = rgb.length / stride;
    const filtered = new Uint8Array(rows * (stride + 1));
    for (let row = 0; row < rows; row++) {
      const current = rgb.subarray(row * stride, (row + 1) * stride);
      filterRow(current, this.above, filtered, row * (stride + 1));
      this.above = current;
    }
    this.above = this.above.slice();
    await this.writer.write(filtered);
  }

  async finish(): Promise<Blob> {
    await this.writer.close();
    await this.collecting;
    this.parts.push(new Blob([chunk("IEND", new Uint8Array(0))]));
    return new Blob(this.parts, { type: "image/png" });
  }

  /** Ends without a result. */
  async abort(): Promise<void> {
    await this.writer.abort().catch(() => {});
  }

  private async collect(): Promise<void> {
    let pieces: Uint8Array<ArrayBuffer>[] = [];
    let bytes = 0;
    const flush = (): void => {
      this.parts.push(new Blob(pieces.map((piece) => chunk("IDAT", piece))));
      pieces = [];
      bytes = 0;
    };
    for await (const piece of readAll(this.compressor.readable)) {
      pieces.push(piece);
      bytes += piece.length;
      if (bytes >= PIECE_BYTES) flush();
    }
    flush();
  }
}

/** A stream's content; streams themselves cannot be iterated in every browser. */
async function* readAll(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

function header(width: number, height: number): Uint8Array<ArrayBuffer> {
  const content = new Uint8Array(13);
  const view = new DataView(content.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  content[8] = 8; // bits
  content[9] = 2; // RGB
  return content;
}

function chunk(name: string, content: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(12 + content.length);
  const view = new DataView(whole.buffer);
  view.setUint32(0, content.length);
  for (let at = 0; at < 4; at++) whole[4 + at] = name.charCodeAt(at);
  whole.set(content, 8);
  view.setUint32(8 + content.length, crc32(whole.subarray(4, 8 + content.length)));
  return whole;
}

/** The colours are sRGB's: the browser converted them when it decoded the photo. */
const SRGB = chunk("sRGB", Uint8Array.of(0));

/** Writes a row's filter type and its differences from what its neighbours predict. */
function filterRow(row: Uint8Array, above: Uint8Array, out: Uint8Array, at: number): void {
  out[at] = PAETH;
  for (let index = 0; index < row.length; index++) {
    const left = index >= CHANNELS ? (row[index - CHANNELS] as number) : 0;
    const corner = index >= CHANNELS ? (above[index - CHANNELS] as number) : 0;
    const predicted = paeth(left, above[index] as number, corner);
    out[at + 1 + index] = (row[index] as number) - predicted;
  }
}

function paeth(left: number, above: number, corner: number): number {
  const toLeft = Math.abs(above - corner);
  const toAbove = Math.abs(left - corner);
  const toCorner = Math.abs(left + above - 2 * corner);
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}
