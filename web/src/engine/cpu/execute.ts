/** Runs a plan, on one thread or as one of several that share the memory. */

import { type ConvolveRow, type PaintRow, PIXELS } from "./kernels";
import { COUNTERS, type Plan, type Step } from "./plan";

/** By their names in the module. */
export type Kernels = Readonly<Record<string, ConvolveRow | PaintRow>>;

/** Rows that a thread takes at a time. */
const ROWS = 4;
/** Counters, by their places: for each step of a plan two, and one for the run. */
export const MOST_STEPS = COUNTERS / 8 - 1;
/** The number of the run in steps of `RUN`, and how many other threads are in it. */
const STATE = 2 * MOST_STEPS;
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
  const counters = countersOf(memory);
  counters.fill(0, 0, STATE);
  return Atomics.load(counters, STATE);
}

/** Ends a run: waits for the threads that are in it, and lets no other in. */
export function closeRun(memory: WebAssembly.Memory, run: number): void {
  const counters = countersOf(memory);
  for (;;) {
    const found = Atomics.compareExchange(counters, STATE, run, (run + RUN) | 0);
    if (found === run) return;
    Atomics.wait(counters, STATE, found);
  }
}

/** Takes part in a run as one more thread, unless that is over: nobody waits for those who come late. */
export function join(plan: Plan, kernels: Kernels, memory: WebAssembly.Memory, run: number): void {
  const counters = countersOf(memory);
  for (let found = run; ; ) {
    const before = Atomics.compareExchange(counters, STATE, found, found + 1);
    if (before === found) break;
    if ((before & -RUN) !== run) return;
    found = before;
  }
  try {
    execute(plan, kernels, memory);
  } finally {
    Atomics.sub(counters, STATE, 1);
    Atomics.notify(counters, STATE);
  }
}

/**
 * Computes what no other thread has taken, and returns when all is done.
 *
 * A step begins when the one before is whole.
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
