/** Runs a plan, on one thread or as one of several that share the memory. */

import { type ConvolveRow, type PaintRow, PIXELS } from "./kernels";
import { COUNTERS, type Plan, type Step } from "./plan";

/** By their names in the module. */
export type Kernels = Readonly<Record<string, ConvolveRow | PaintRow>>;

/** Rows that a thread takes at a time. */
const ROWS = 4;
/** Counters, by their places: for each step of a plan two, and one for the whole of it. */
export const MOST_STEPS = COUNTERS / 8 - 1;
const FINISHED = 2 * MOST_STEPS;

/** The functions of a module over a memory. */
export async function instantiate(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
): Promise<Kernels> {
  const instance = await WebAssembly.instantiate(module, { env: { memory } });
  return instance.exports as unknown as Kernels;
}

/** Begins a run: no row is taken, no thread has finished. */
export function resetCounters(memory: WebAssembly.Memory): void {
  countersOf(memory).fill(0);
}

/**
 * Computes what no other thread has taken, and returns when all is done.
 *
 * A step begins when the one before is whole. A thread that comes late finds nothing left, and holds
 * nobody up.
 */
export function execute(plan: Plan, kernels: Kernels, memory: WebAssembly.Memory): void {
  const counters = countersOf(memory);
  const values = new Float32Array(memory.buffer);
  const chunks = Math.ceil(plan.height / ROWS);
  plan.steps.forEach((step, index) => {
    const done = MOST_STEPS + index;
    for (;;) {
      const chunk = Atomics.add(counters, index, 1);
      if (chunk >= chunks) break;
      const stop = Math.min((chunk + 1) * ROWS, plan.height);
      for (let y = chunk * ROWS; y < stop; y++) computeRow(plan, step, y, kernels, values);
      if (Atomics.add(counters, done, 1) + 1 === chunks) Atomics.notify(counters, done);
    }
    waitFor(counters, done, chunks);
  });
}

/** Tells the thread that began the run that this one will not touch the memory again. */
export function finish(memory: WebAssembly.Memory): void {
  const counters = countersOf(memory);
  Atomics.add(counters, FINISHED, 1);
  Atomics.notify(counters, FINISHED);
}

/** Waits until as many threads have finished. */
export function waitForFinished(memory: WebAssembly.Memory, threads: number): void {
  waitFor(countersOf(memory), FINISHED, threads);
}

function computeRow(
  { width, row, plane }: Plan,
  { rectify, inputs, blocks }: Step,
  y: number,
  kernels: Kernels,
  values: Float32Array,
): void {
  const down = y * row;
  const runs = Math.ceil(width / PIXELS);
  for (const { kernel, outputs, input, weights, bias, output, first, second } of blocks) {
    const convolve = kernels[kernel] as ConvolveRow;
    const at = output + down;
    convolve(
      input + down,
      weights,
      bias,
      at,
      first && first + down,
      second && second + down,
      rectify,
      inputs,
      runs,
      plane,
      row,
    );
    // The last run may have written beyond the image: there the next kernel reads a border of zeros.
    for (let channel = 0; channel < outputs; channel++) {
      values[(at + channel * plane) / 4 + width] = 0;
    }
  }
}

function waitFor(counters: Int32Array, place: number, enough: number): void {
  for (;;) {
    const found = Atomics.load(counters, place);
    if (found >= enough) return;
    Atomics.wait(counters, place, found);
  }
}

function countersOf(memory: WebAssembly.Memory): Int32Array<ArrayBufferLike> {
  return new Int32Array(memory.buffer, 0, COUNTERS / 4);
}
