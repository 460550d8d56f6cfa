import { describe, expect, it } from "vitest";
import { execute, instantiate, join, type Kernels, openRun } from "../src/engine/cpu/execute";
import { buildKernels } from "../src/engine/cpu/kernels";
import type { Convolution, Network } from "../src/engine/cpu/network";
import { COUNTERS, type Plan, packWeights, planNetwork } from "../src/engine/cpu/plan";
import {
  type MultiplyTiles,
  multiplyName,
  STRIP,
  transformKernels,
} from "../src/engine/cpu/winograd";
import { seededRandom } from "../src/study/random";

const GROUPS = 2;
const DEPTH = 11;
const CHANNELS = GROUPS * DEPTH;
const THREADS = 3;
const PAGES = 32;

/** Numbers in [-1, 1). */
function noise(length: number, seed: number): Float32Array {
  const draw = seededRandom(seed);
  return Float32Array.from({ length }, () => 2 * draw() - 1);
}

function layer(given: Partial<Convolution> & { side: number; depth: number }): Convolution {
  const { side, depth } = given;
  return {
    input: "lr",
    weights: noise(CHANNELS * depth * side ** 2, 10 * side),
    bias: noise(CHANNELS, side),
    groups: 1,
    outputs: CHANNELS,
    rectified: false,
    added: [],
    output: "sr",
    ...given,
  };
}

const spread = layer({ side: 1, depth: 3, output: "spread" });
const plain = layer({ side: 3, depth: DEPTH, groups: GROUPS, input: "spread" });
const added = ["spread", "spread"];

/** Three channels to many, and a convolution of these, with what may follow it. */
function networkOf(last: Convolution): Network {
  return { input: "lr", layers: [spread, last], scale: 1 };
}

interface Machine {
  readonly plan: Plan;
  readonly memory: WebAssembly.Memory;
  readonly kernels: Kernels;
}

async function lay(
  network: Network,
  height: number,
  width: number,
  relaxed = false,
): Promise<Machine> {
  const weights = packWeights(network);
  const plan = planNetwork(network, weights, height, width, THREADS);
  const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES, shared: true });
  expect(plan.bytes).toBeLessThan(memory.buffer.byteLength);
  new Float32Array(memory.buffer).set(weights.values, COUNTERS / 4);
  const module = await WebAssembly.compile(buildKernels(relaxed, PAGES));
  return { plan, memory, kernels: await instantiate(module, memory) };
}

function write({ plan, memory }: Machine, image: Float32Array): void {
  const values = new Float32Array(memory.buffer);
  const { input, plane, row, height, width } = plan;
  image.forEach((value, at) => {
    const [channel, y] = [Math.floor(at / width / height), Math.floor(at / width) % height];
    values[(input + channel * plane + y * row) / 4 + (at % width)] = value;
  });
}

function read({ plan, memory }: Machine): Float32Array {
  const values = new Float32Array(memory.buffer);
  const { output, plane, row, height, width } = plan;
  return Float32Array.from({ length: CHANNELS * height * width }, (_, at) => {
    const [channel, y] = [Math.floor(at / width / height), Math.floor(at / width) % height];
    return values[(output + channel * plane + y * row) / 4 + (at % width)] as number;
  });
}

function compute(machine: Machine, image: Float32Array): Float32Array {
  const { plan, memory, kernels } = machine;
  write(machine, image);
  new Uint32Array(memory.buffer).fill(0, plan.marks / 4, plan.scratch / 4);
  execute(plan, kernels, memory, openRun(memory));
  return read(machine);
}

/** The sums of a convolution, one by one. */
function convolve(
  { weights, bias, side, groups, depth, outputs }: Convolution,
  image: ArrayLike<number>,
  height: number,
  width: number,
): Float64Array {
  const reach = side >> 1;
  const pixel = (channel: number, y: number, x: number): number =>
    y < 0 || x < 0 || y >= height || x >= width
      ? 0
      : (image[(channel * height + y) * width + x] as number);
  return Float64Array.from({ length: outputs * height * width }, (_, at) => {
    const [y, x] = [Math.floor(at / width) % height, at % width];
    const output = Math.floor(at / width / height);
    const first = Math.floor((output * groups) / outputs) * depth;
    let sum = bias[output] as number;
    for (let tap = 0; tap < depth * side ** 2; tap++) {
      const [dy, dx] = [(Math.floor(tap / side) % side) - reach, (tap % side) - reach];
      const weight = weights[output * depth * side ** 2 + tap] as number;
      sum += weight * pixel(first + Math.floor(tap / side ** 2), y + dy, x + dx);
    }
    return sum;
  });
}

function expected(
  last: Convolution,
  image: Float32Array,
  height: number,
  width: number,
): Float64Array {
  const middle = convolve(spread, image, height, width);
  return convolve(last, middle, height, width).map((sum, at) => {
    const value = last.rectified ? Math.max(sum, 0) : sum;
    return value + last.added.length * (middle[at] as number);
  });
}

function largestDifference(one: Float32Array, two: Float64Array): number {
  return one.reduce((most, value, at) => Math.max(most, Math.abs(value - (two[at] as number))), 0);
}

/** Sums are up to 10; direct sums in float32 are off by 3e-6. */
const TOLERANCE = 1e-5;
const SIZES = [
  [1, 1],
  [2, 3],
  [5, 4],
  [4, 16],
  [7, 17],
  [6, 31],
  [9, 37],
] as const;
const KINDS = [false, true].filter((relaxed) => WebAssembly.validate(buildKernels(relaxed, 0)));

describe.each(KINDS)("convolutions of transformed rows, fused: %s", (relaxed) => {
  it.each(SIZES)("are those of direct sums, for %s x %s", async (height, width) => {
    const image = noise(3 * height * width, 1);
    const followed = [{ rectified: true, added }, { rectified: true }, { added: ["spread"] }, {}];
    for (const what of followed) {
      const last = { ...plain, ...what };
      const found = compute(await lay(networkOf(last), height, width, relaxed), image);
      const direct = expected(last, image, height, width);
      expect(largestDifference(found, direct)).toBeLessThan(TOLERANCE);
    }
  });
});

describe("transformed rows", () => {
  const [height, width] = [9, 21];
  const image = noise(3 * height * width, 2);

  it("hold nothing of what lies beyond an image", async () => {
    const machine = await lay(networkOf(plain), height, width);
    const alone = compute(machine, image);
    const { plan, memory } = machine;
    const values = new Float32Array(memory.buffer);
    const planes = 3 + 2 * CHANNELS;
    for (let plane = 0; plane < planes; plane++) {
      for (let y = 0; y < height; y++) {
        const begin = (plan.input + plane * plan.plane + y * plan.row) / 4;
        values.fill(Number.NaN, begin + width + 1, begin + Math.ceil(width / STRIP) * STRIP);
      }
    }
    expect(compute(machine, image)).toEqual(alone);
  });

  it("are each thread's own", async () => {
    const machine = await lay(networkOf(plain), height, width);
    const alone = compute(machine, image);
    const { plan, memory, kernels } = machine;
    write(machine, image);
    const run = openRun(memory);
    const multiply = multiplyName(4);
    // The others come while one is between two of its kernels.
    let others = THREADS - 1;
    const interrupted: Kernels = {
      ...kernels,
      [multiply]: ((...call) => {
        if (others-- > 0) join(plan, interrupted, memory, run);
        (kernels[multiply] as MultiplyTiles)(...call);
      }) satisfies MultiplyTiles,
    };
    new Uint32Array(memory.buffer).fill(0, plan.marks / 4, plan.scratch / 4);
    new Float32Array(memory.buffer).fill(0, plan.output / 4, plan.marks / 4);
    execute(plan, interrupted, memory, run);
    expect(others).toBeLessThan(0);
    expect(read(machine)).toEqual(alone);
  });

  it("need a kernel's values at six points", () => {
    const found = transformKernels(Float32Array.of(1, 2, 3));
    const [byA, byB] = [-1.8984375, 7.59375];
    const values = [1 / 1.265625, 4.1875 / byA, 1.1875 / byA, 10.75 / byB, 4.75 / byB, 3];
    values.forEach((value, at) => {
      expect(found[at]).toBeCloseTo(value, 6);
    });
  });
});
