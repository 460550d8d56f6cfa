import { readFileSync } from "node:fs";
import { describe, expect, it, vi } from "vitest";
import { closeRun, join, openRun } from "../src/engine/cpu/execute";
import { buildKernels } from "../src/engine/cpu/kernels";
import { readNetwork, UnknownNetwork } from "../src/engine/cpu/network";
import type { Plan } from "../src/engine/cpu/plan";
import { startCpu } from "../src/engine/cpu/runtime";
import { floatsOf, type Node, readNodes, readWeights } from "../src/engine/onnx-file";
import type { Session } from "../src/engine/session";
import { toNchw } from "../src/engine/tensor";
import { cut, type Levels, mostOf, type Picture } from "../src/imaging/levels";
import { seededRandom } from "../src/study/random";
import { times, wholeOf } from "../src/tiles/rects";
import { signed, unsigned } from "../src/wasm/assembler";

const MODELS = [2, 3, 4].flatMap((scale) =>
  ["fast", "balanced", "accurate"].map((family) => `splitsr-${family}-x${scale}`),
);

function modelFile(name: string): Uint8Array {
  return readFileSync(new URL(`../../src/splitsr/zoo/files/${name}.onnx`, import.meta.url));
}

interface Values {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

interface Image {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly values: Float64Array;
}

function noise(height: number, width: number, seed: number): Picture<Uint16Array<ArrayBuffer>> {
  const draw = seededRandom(seed);
  const data = Uint16Array.from({ length: 4 * height * width }, () => 65535 * draw());
  return { data, width, height };
}

/** What a file computes, node by node, as the ONNX specification says. */
function reference(file: Uint8Array, picture: Picture): Float64Array {
  const { data, width, height } = picture;
  const weights = new Map<string, Values>(
    readWeights(file).map((tensor) => [
      tensor.name,
      { shape: tensor.shape, values: floatsOf(tensor) },
    ]),
  );
  const images = new Map<string, Image>();
  images.set("lr", { channels: 3, height, width, values: Float64Array.from(toNchw(data)) });
  const operators: Record<string, (node: Node, ...images: Image[]) => Image> = {
    Conv: (node, image) => {
      const kernel = weights.get(node.inputs[1] as string) as Values;
      const bias = weights.get(node.inputs[2] ?? "");
      const [outputs, depth, side] = kernel.shape as [number, number, number];
      const groups = Number(node.attributes.get("group"));
      const reach = side >> 1;
      const values = new Float64Array(outputs * height * width);
      for (let output = 0; output < outputs; output++) {
        const first = Math.floor((output * groups) / outputs) * depth;
        for (let y = 0; y < height; y++) {
          for (let x = 0; x < width; x++) {
            let sum = bias?.values[output] ?? 0;
            for (let input = 0; input < depth; input++) {
              for (let dy = 0; dy < side; dy++) {
                for (let dx = 0; dx < side; dx++) {
                  const [fromY, fromX] = [y - reach + dy, x - reach + dx];
                  if (fromY < 0 || fromX < 0 || fromY >= height || fromX >= width) continue;
                  const place = ((first + input) * height + fromY) * width + fromX;
                  const weight = kernel.values[
                    ((output * depth + input) * side + dy) * side + dx
                  ] as number;
                  sum += (image?.values[place] as number) * weight;
                }
              }
            }
            values[(output * height + y) * width + x] = sum;
          }
        }
      }
      return { channels: outputs, height, width, values };
    },
    Relu: (_, image) => ({
      ...(image as Image),
      values: (image as Image).values.map((v) => Math.max(v, 0)),
    }),
    Add: (_, one, two) => ({
      ...(one as Image),
      values: (one as Image).values.map(
        (value, at) => value + ((two as Image).values[at] as number),
      ),
    }),
    DepthToSpace: (node, image) => {
      const scale = Number(node.attributes.get("blocksize"));
      const values = new Float64Array((image as Image).values.length);
      const [tall, wide] = [height * scale, width * scale];
      for (let at = 0; at < values.length; at++) {
        const [channel, y, x] = [
          Math.floor(at / tall / wide),
          Math.floor(at / wide) % tall,
          at % wide,
        ];
        const plane = (channel * scale + (y % scale)) * scale + (x % scale);
        const place = (plane * height + Math.floor(y / scale)) * width + Math.floor(x / scale);
        values[at] = (image as Image).values[place] as number;
      }
      return { channels: 3, height: tall, width: wide, values };
    },
  };
  for (const node of readNodes(file)) {
    const taken = node.inputs.flatMap((name) => images.get(name) ?? []);
    const compute = operators[node.operator] as (node: Node, ...images: Image[]) => Image;
    images.set(node.outputs[0] as string, compute(node, ...taken));
  }
  return (images.get("sr") as Image).values;
}

/** The largest difference of a whole picture from what is expected, in levels. */
function largestError({ data, width, height }: Picture, values: Float64Array): number {
  const most = mostOf(data);
  let largest = 0;
  for (let at = 0; at < data.length; at++) {
    const [pixel, channel] = [at >> 2, at & 3];
    const value = channel === 3 ? 1 : (values[channel * width * height + pixel] as number);
    const level = Math.min(Math.max(most * value, 0), most);
    largest = Math.max(largest, Math.abs((data[at] as number) - level));
  }
  return largest;
}

/** The upper byte of a level of 16 bits. */
function high(level: number): number {
  return level >> 8;
}

async function enlargeAll<Kind extends Levels>(
  session: Session,
  picture: Picture<Kind>,
  scale: number,
): Promise<Picture<Kind>> {
  const { width, height } = picture;
  const data = await session.enlarge(picture, wholeOf(picture));
  return { data, width: scale * width, height: scale * height };
}

/** One for all, as in the app: each network finds the memory as another left it. */
const runtime = startCpu(1);

describe("networks on the processor", { timeout: 30_000 }, () => {
  it.each(MODELS)("compute what the file of %s says", async (name) => {
    const file = modelFile(name);
    const scale = Number(name.at(-1));
    const session = await (await runtime).open(file);
    const bytes = { ...noise(5, 9, 1), data: Uint8ClampedArray.from(noise(5, 9, 1).data, high) };
    const deep = { ...bytes, data: Uint16Array.from(bytes.data, (level) => 257 * level) };
    const expected = reference(file, bytes);
    expect(largestError(await enlargeAll(session, bytes, scale), expected)).toBeLessThan(0.51);
    expect(largestError(await enlargeAll(session, deep, scale), expected)).toBeLessThan(2);
  });

  it("keep nothing of an image before, of whatever size", async () => {
    const file = modelFile("splitsr-fast-x3");
    const session = await (await runtime).open(file);
    const sizes = [
      [9, 16],
      [1, 1],
      [3, 17],
      [16, 8],
      [2, 5],
      [9, 16],
    ] as const;
    for (const [height, width] of sizes) {
      const picture = noise(height, width, height * width);
      const found = await enlargeAll(session, picture, 3);
      expect(largestError(found, reference(file, picture)), `${height}x${width}`).toBeLessThan(2);
    }
  });

  it("cut out what is wanted", async () => {
    const session = await (await runtime).open(modelFile("splitsr-fast-x2"));
    const deep = noise(9, 13, 3);
    const bytes = { ...deep, data: Uint8ClampedArray.from(deep.data, high) };
    const core = { x: 3, y: 2, width: 7, height: 5 };
    for (const picture of [deep, bytes]) {
      const whole = await enlargeAll(session, picture as Picture, 2);
      const part = await session.enlarge(picture as Picture, core);
      expect(part).toEqual(cut(whole.data, whole.width, times(core, 2)));
    }
  });

  it("take turns in one memory", async () => {
    const files = ["splitsr-fast-x2", "splitsr-balanced-x4"].map(modelFile);
    const { open } = await runtime;
    const sessions = await Promise.all(files.map(open));
    const picture = noise(5, 9, 7);
    for (const at of [0, 1, 0]) {
      const found = await enlargeAll(sessions[at] as Session, picture, [2, 4][at] as number);
      const expected = reference(files[at] as Uint8Array, picture);
      expect(largestError(found, expected)).toBeLessThan(2);
    }
  });
});

describe("threads", () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });

  /** How often a thread computes that joins a run. */
  function joined(run: number): number {
    const steps = vi.fn(() => []);
    join(
      {
        height: 1,
        get steps() {
          return steps();
        },
      } as unknown as Plan,
      {},
      memory,
      run,
    );
    return steps.mock.calls.length;
  }

  it("take part in a run while it is open, and come too late afterwards", () => {
    const first = openRun(memory);
    expect([joined(first), joined(first)]).toEqual([1, 1]);
    closeRun(memory, first);
    expect(joined(first)).toBe(0);
    const second = openRun(memory);
    expect([joined(first), joined(second)]).toEqual([0, 1]);
    closeRun(memory, second);
  });

  it("count on when the numbers of the runs are used up", () => {
    const counters = new Int32Array(memory.buffer);
    closeRun(memory, openRun(memory)); // so that the number is none of the zeros
    counters[counters.indexOf(openRun(memory))] = 0x7fffff00;
    const last = openRun(memory);
    closeRun(memory, last);
    expect([joined(last), joined(openRun(memory))]).toEqual([0, 1]);
  });

  it("are done without where memory cannot be shared", async () => {
    const { Memory } = WebAssembly;
    class Unshared extends Memory {
      constructor(descriptor: WebAssembly.MemoryDescriptor) {
        if (descriptor.shared) throw new RangeError("could not allocate memory");
        super(descriptor);
      }
    }
    vi.stubGlobal("WebAssembly", Object.create(WebAssembly, { Memory: { value: Unshared } }));
    const { open } = await startCpu(2);
    vi.unstubAllGlobals();
    const file = modelFile("splitsr-fast-x2");
    const picture = noise(5, 9, 7);
    const found = await enlargeAll(await open(file), picture, 2);
    expect(largestError(found, reference(file, picture))).toBeLessThan(2);
  });
});

describe("a network that the kernels do not know", () => {
  const file = modelFile("splitsr-fast-x2");
  const renamed = (from: string, to: string): Uint8Array => {
    const text = Buffer.from(file).toString("latin1").replaceAll(from, to);
    return new Uint8Array(Buffer.from(text, "latin1"));
  };

  it.each([
    ["Relu", "Tanh", "Tanh is not known"],
    ["CRD", "DCR", "does not end in an image"],
  ])("is refused: %s for %s", (from, to, message) => {
    const read = (): unknown => readNetwork(renamed(from, to));
    expect(read).toThrow(message);
    expect(read).toThrow(UnknownNetwork);
  });

  it("is refused where the file is cut off, or is none", () => {
    for (const length of [0, 1, 100, 1000]) {
      expect(() => readNetwork(file.subarray(0, length))).toThrow(RangeError);
    }
    expect(() => readNetwork(new Uint8Array(5))).toThrow(RangeError);
  });
});

describe("the kernels", () => {
  it.each([0, 256])("are valid WebAssembly, with %s shared pages", (pages) => {
    expect(WebAssembly.validate(buildKernels(false, pages))).toBe(true);
  });

  it("write numbers as LEB128", () => {
    expect([0, 127, 128, 624485].map(unsigned)).toEqual([[0], [127], [128, 1], [0xe5, 0x8e, 0x26]]);
    expect([0, 63, 64, -1, -64, -65, -123456].map(signed)).toEqual([
      [0],
      [63],
      [192, 0],
      [127],
      [64],
      [191, 127],
      [0xc0, 0xbb, 0x78],
    ]);
  });
});
