import { inflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { Bytes } from "../src/imaging/bytes";
import { crc32 } from "../src/imaging/crc32";
import { readDeep } from "../src/imaging/deep";
import { chunk, PngEncoder } from "../src/imaging/png";
import { seededRandom } from "../src/study/random";
import { exifWith } from "./files";

interface Chunk {
  readonly name: string;
  readonly data: Uint8Array;
  readonly checksum: number;
}

function chunksOf(file: Uint8Array): Chunk[] {
  const view = new DataView(file.buffer);
  const chunks: Chunk[] = [];
  for (let at = 8; at < file.length; ) {
    const length = view.getUint32(at);
    const name = String.fromCharCode(...file.subarray(at + 4, at + 8));
    const data = file.subarray(at + 8, at + 8 + length);
    chunks.push({ name, data, checksum: view.getUint32(at + 8 + length) });
    at += 12 + length;
  }
  return chunks;
}

/** Undoes filter type 4, by the specification's words and apart from the encoder. */
function unfilter(raw: Uint8Array, width: number, height: number, step: number): Uint8Array {
  const stride = width * step;
  const out = new Uint8Array(height * stride);
  const at = (row: number, index: number): number =>
    row < 0 || index < 0 ? 0 : (out[row * stride + index] as number);
  for (let row = 0; row < height; row++) {
    expect(raw[row * (stride + 1)]).toBe(4);
    for (let index = 0; index < stride; index++) {
      const [a, b, c] = [
        index < step ? 0 : at(row, index - step),
        at(row - 1, index),
        index < step ? 0 : at(row - 1, index - step),
      ] as [number, number, number];
      const [pa, pb, pc] = [a, b, c].map((value) => Math.abs(a + b - c - value)) as number[];
      const [da, db, dc] = [pa, pb, pc] as [number, number, number];
      const predicted = da <= db && da <= dc ? a : db <= dc ? b : c;
      out[row * stride + index] = (raw[row * (stride + 1) + 1 + index] as number) + predicted;
    }
  }
  return out;
}

function encode(
  pixels: Uint8Array,
  width: number,
  bands: readonly number[],
  { samples, bits }: { samples: number; bits: 8 | 16 } = { samples: 3, bits: 8 },
): Blob {
  const stride = (width * samples * bits) / 8;
  const height = pixels.length / stride;
  const encoder = new PngEncoder({ width, height, samples, bits }, []);
  let row = 0;
  for (const rows of bands) {
    encoder.write(pixels.slice(row * stride, (row + rows) * stride));
    row += rows;
  }
  return encoder.finish();
}

describe("a PNG written band by band", () => {
  const [width, height] = [37, 23];
  const random = seededRandom(1);
  const rgb = Uint8Array.from({ length: width * height * 3 }, () => random() * 256);

  it.each([[[23]], [[1, 22]], [[8, 8, 7]]])("in bands of %j is the same picture", async (bands) => {
    const file = new Uint8Array(await encode(rgb, width, bands).arrayBuffer());
    const chunks = chunksOf(file);
    expect([chunks[0]?.name, chunks.at(-1)?.name]).toEqual(["IHDR", "IEND"]);
    const data = chunks.filter(({ name }) => name === "IDAT").flatMap((chunk) => [...chunk.data]);
    expect(unfilter(inflateSync(Uint8Array.from(data)), width, height, 3)).toEqual(rgb);
  });

  it("has right checksums and its size in the header", async () => {
    const blob = encode(rgb, width, [23]);
    expect(blob.type).toBe("image/png");
    const chunks = chunksOf(new Uint8Array(await blob.arrayBuffer()));
    for (const { name, data, checksum } of chunks) {
      expect(crc32(Uint8Array.of(...new TextEncoder().encode(name), ...data))).toBe(checksum);
    }
    expect([...(chunks[0]?.data ?? [])]).toEqual([0, 0, 0, 37, 0, 0, 0, 23, 8, 2, 0, 0, 0]);
  });

  it.each([
    [1, 0],
    [2, 4],
    [3, 2],
    [4, 6],
  ])("of 16 bits and %i samples is read as it was", async (samples, colourType) => {
    const levels = Uint8Array.from({ length: width * height * samples * 2 }, () => random() * 256);
    const file = encode(levels, width, [8, 15], { samples, bits: 16 });
    const bytes = new Uint8Array(await file.arrayBuffer());
    expect([...bytes.subarray(24, 26)]).toEqual([16, colourType]);
    const read = await readDeep(new Bytes(bytes));
    expect([read.gray, read.alpha]).toEqual([samples < 3, samples % 2 === 0]);
    const view = new DataView(levels.buffer);
    const expected = Array.from({ length: width * height * 4 }, (_, at) => {
      const pixel = Math.floor(at / 4) * samples;
      if (at % 4 === 3 && !read.alpha) return 0xffff;
      const sample = at % 4 === 3 ? samples - 1 : read.gray ? 0 : at % 4;
      return view.getUint16((pixel + sample) * 2);
    });
    expect([...read.data]).toEqual(expected);
    await expect(readDeep(new Bytes(bytes.slice(0, -60)))).rejects.toThrow();
  });

  it.each([
    [1, "abc def"],
    [2, "cba fed"],
    [3, "fed cba"],
    [4, "def abc"],
    [5, "ad be cf"],
    [6, "da eb fc"],
    [7, "fc eb da"],
    [8, "cf be ad"],
  ])("of 16 bits is read upright from orientation %i", async (orientation, upright) => {
    const encoder = new PngEncoder({ width: 3, height: 2, samples: 1, bits: 16 }, [
      chunk("eXIf", exifWith(orientation)),
    ]);
    encoder.write(new TextEncoder().encode("\0a\0b\0c\0d\0e\0f"));
    const file = new Uint8Array(await encoder.finish().arrayBuffer());
    const { data, width } = await readDeep(new Bytes(file));
    const letters = String.fromCharCode(...data.filter((_, at) => at % 4 === 0));
    expect(letters.match(new RegExp(`.{${width}}`, "g"))?.join(" ")).toBe(upright);
  });
});

describe("the checksum", () => {
  it("is the one that everybody knows", () => {
    expect(crc32(new TextEncoder().encode("123456789"))).toBe(0xcbf43926);
  });
});
