import { inflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { crc32 } from "../src/imaging/crc32";
import { PngEncoder } from "../src/imaging/png";
import { seededRandom } from "../src/study/random";

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
function unfilter(raw: Uint8Array, width: number, height: number): Uint8Array {
  const stride = width * 3;
  const out = new Uint8Array(height * stride);
  const at = (row: number, index: number): number =>
    row < 0 || index < 0 ? 0 : (out[row * stride + index] as number);
  for (let row = 0; row < height; row++) {
    expect(raw[row * (stride + 1)]).toBe(4);
    for (let index = 0; index < stride; index++) {
      const [a, b, c] = [at(row, index - 3), at(row - 1, index), at(row - 1, index - 3)];
      const [pa, pb, pc] = [a, b, c].map((value) => Math.abs(a + b - c - value)) as number[];
      const [da, db, dc] = [pa, pb, pc] as [number, number, number];
      const predicted = da <= db && da <= dc ? a : db <= dc ? b : c;
      out[row * stride + index] = (raw[row * (stride + 1) + 1 + index] as number) + predicted;
    }
  }
  return out;
}

async function encode(rgb: Uint8Array, width: number, bands: readonly number[]): Promise<Blob> {
  const height = rgb.length / width / 3;
  const encoder = new PngEncoder(width, height);
  let row = 0;
  for (const rows of bands) {
    await encoder.write(rgb.slice(row * width * 3, (row + rows) * width * 3));
    row += rows;
  }
  return encoder.finish();
}

describe("a PNG written band by band", () => {
  const [width, height] = [37, 23];
  const random = seededRandom(1);
  const rgb = Uint8Array.from({ length: width * height * 3 }, () => random() * 256);

  it.each([[[23]], [[1, 22]], [[8, 8, 7]]])("in bands of %j is the same picture", async (bands) => {
    const file = new Uint8Array(await (await encode(rgb, width, bands)).arrayBuffer());
    const chunks = chunksOf(file);
    expect([chunks[0]?.name, chunks.at(-1)?.name]).toEqual(["IHDR", "IEND"]);
    const data = chunks.filter(({ name }) => name === "IDAT").flatMap((chunk) => [...chunk.data]);
    expect(unfilter(inflateSync(Uint8Array.from(data)), width, height)).toEqual(rgb);
  });

  it("has right checksums and its size in the header", async () => {
    const blob = await encode(rgb, width, [23]);
    expect(blob.type).toBe("image/png");
    const chunks = chunksOf(new Uint8Array(await blob.arrayBuffer()));
    for (const { name, data, checksum } of chunks) {
      expect(crc32(Uint8Array.of(...new TextEncoder().encode(name), ...data))).toBe(checksum);
    }
    expect([...(chunks[0]?.data ?? [])]).toEqual([0, 0, 0, 37, 0, 0, 0, 23, 8, 2, 0, 0, 0]);
  });

  it("can be given up", async () => {
    const encoder = new PngEncoder(width, height);
    await encoder.write(rgb.slice(0, width * 3));
    await encoder.abort();
    await expect(encoder.finish()).rejects.toThrow();
  });
});

describe("the checksum", () => {
  it("is the one that everybody knows", () => {
    expect(crc32(new TextEncoder().encode("123456789"))).toBe(0xcbf43926);
  });
});
