/** Runs a plan, on one thread or as one of several that share the memory. */

import { type ConvolveRow, type PaintRow, PIXELS } from "./kernels";
import { COUNTERS, type Plan, type Step } from "./plan";
import {
  type MultiplyTiles,
  ROWS,
  STRIP,
  TILE,
  TRANSFORM_INPUT,
  TRANSFORM_OUTPUT,
  type TransformInput,
  type TransformOutput,
  tilesIn,
} from "./winograd";

/** By their names in the module. */
export type Kernels = Readonly<
  Record<string, ConvolveRow | TransformInput | MultiplyTiles | TransformOutput | PaintRow>
>;

/** Counters, by their places: rows that are taken, and the run. */
const NEXT = 0;
const STATE = COUNTERS / 8;
/** The run's number counts in these; below it stands how many other threads are in it. */
const RUN = 256;

/** The functions of a module over a memory. */
export async function instantiate(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
): Promise<Kernels> {
  const instance = await WebAssembly.instantiate(module, { env: { memory } });
  return instance.exports as unknown as Kernels;
}

/** Begins a run, in which no row is taken. Returns its number. */
export function openRun(memory: WebAssembly.Memory): number {
  const words = new Int32Array(memory.buffer);
  Atomics.store(words, NEXT, 0);
  return Atomics.load(words, STATE);
}

/** Ends a run: waits for the threads that are in it, and lets no other in. */
export function closeRun(memory: WebAssembly.Memory, run: number): void {
  const words = new Int32Array(memory.buffer);
  for (;;) {
    const found = Atomics.compareExchange(words, STATE, run, (run + RUN) | 0);
    if (found === run) return;
    Atomics.wait(words, STATE, found);
  }
}

/** Takes part in a run as one more thread, unless that is over: nobody waits for those who come late. */
export function join(plan: Plan, kernels: Kernels, memory: WebAssembly.Memory, run: number): void {
  if (memory.buffer.byteLength < plan.bytes) memory.grow(0); // it has grown, and is seen anew
  const words = new Int32Array(memory.buffer);
  let found = run;
  for (;;) {
    const before = Atomics.compareExchange(words, STATE, found, found + 1);
    if (before === found) break;
    if ((before & -RUN) !== run) return;
    found = before;
  }
  try {
    // Whoever leaves has found everything taken: of those that compute, no two have the same number.
    execute(plan, kernels, memory, run, 1 + (found & (RUN - 1)));
  } finally {
    Atomics.sub(words, STATE, 1);
    Atomics.notify(words, STATE);
  }
}

/**
 * Computes what no other thread has taken, and returns when all is taken.
 *
 * Some rows of a step begin when those around them are done in the step before: a thread that the
 * system holds up in the middle of its own holds up others no sooner than they come by there. They
 * are then one step ahead and two chunks above, so that planes that have changed hands between two
 * steps are never written where they are still read.
 *
 * @param thread its number, by which it has memory for itself
 */
export function execute(
  plan: Plan,
  kernels: Kernels,
  memory: WebAssembly.Memory,
  run: number,
  thread = 0,
): void {
  const words = new Int32Array(memory.buffer);
  const values = new Float32Array(memory.buffer);
  const { chunks, height } = plan;
  const done = run + 1; // no mark is so before it is set: memory begins with zeros
  for (;;) {
    const taken = Atomics.add(words, NEXT, 1);
    const index = Math.floor(taken / chunks);
    const step = plan.steps[index];
    if (!step) return;
    const chunk = taken % chunks;
    const mark = plan.marks / 4 + taken;
    if (index > 0) {
      const [first, last] = [Math.max(chunk - 1, 0), Math.min(chunk + 1, chunks - 1)];
      for (let near = first; near <= last; near++)
        waitFor(words, mark - chunks + near - chunk, done);
    }
    const begin = chunk * ROWS;
    const rows = Math.min(ROWS, height - begin);
    if (step.transformed) {
      const scratch = plan.scratch + thread * plan.scratchBytes;
      computeTransformed(plan, step, begin, rows, kernels, scratch);
    } else {
      for (let y = begin; y < begin + rows; y++) computeRow(plan, step, y, kernels);
    }
    clearEnds(plan, step, begin, rows, values);
    Atomics.store(words, mark, done);
    Atomics.notify(words, mark);
  }
}

function computeRow(
  { width, row, plane }: Plan,
  { rectify, inputs, blocks }: Step,
  y: number,
  kernels: Kernels,
): void {
  const down = y * row;
  const runs = Math.ceil(width / PIXELS);
  for (const { kernel, input, weights, bias, output, first, second } of blocks) {
    const convolve = kernels[kernel] as ConvolveRow;
    convolve(
      input + down,
      weights,
      bias,
      output + down,
      first && first + down,
      second && second + down,
      rectify,
      inputs,
      runs,
      plane,
      row,
    );
  }
}

/** Computes rows by Winograd's transforms, strip by strip: what is transformed stays in the cache. */
function computeTransformed(
  { width, row, plane }: Plan,
  { rectify, inputs, blocks }: Step,
  y: number,
  rows: number,
  kernels: Kernels,
  sums: number,
): void {
  const transformInput = kernels[TRANSFORM_INPUT] as TransformInput;
  const transformOutput = kernels[TRANSFORM_OUTPUT] as TransformOutput;
  const tiles = tilesIn(sums);
  for (let x = 0; x < width; x += STRIP) {
    const along = y * row + 4 * x;
    let transformed = 0;
    for (const { kernel, outputs, input, weights, bias, output, first, second } of blocks) {
      if (transformed !== input) {
        transformInput(input + along, tiles, inputs, rows + 2, plane, row);
        transformed = input;
      }
      const multiplyTiles = kernels[kernel] as MultiplyTiles;
      multiplyTiles(tiles, weights, sums, inputs, Math.ceil(rows / 2));
      transformOutput(
        sums,
        bias,
        output + along,
        first && first + along,
        second && second + along,
        rectify,
        outputs,
        rows,
        plane,
        row,
      );
    }
  }
}

/**
 * Makes zeros of what was written beyond the image and is read: one pixel by the kernels, and what
 * the last tile has there.
 */
function clearEnds(
  { width, row, plane }: Plan,
  { blocks }: Step,
  y: number,
  rows: number,
  values: Float32Array,
): void {
  const beyond = 1 + ((TILE - (width % TILE)) % TILE);
  for (const { output, outputs } of blocks) {
    for (let channel = 0; channel < outputs; channel++) {
      for (let down = 0; down < rows; down++) {
        const end = (output + channel * plane + (y + down) * row) / 4 + width;
        for (let x = 0; x < beyond; x++) values[end + x] = 0;
      }
    }
  }
}

function waitFor(words: Int32Array, place: number, wanted: number): void {
  for (;;) {
    const found = Atomics.load(words, place);
    if (found === wanted) return;
    Atomics.wait(words, place, found);
  }
}
