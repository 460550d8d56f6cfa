/**
 * Where everything lies in memory, and what is computed in which order, for an image of one size.
 *
 * Memory holds, one after another: the counters of the threads, the weights, the planes of the tensors,
 * the marks of what is done, and what each thread has for itself. A tensor gives its planes back after
 * its last use.
 */

import { FLOAT, OUTPUTS } from "./block";
import { convolveName, PAINTED } from "./kernels";
import type { Convolution, Network } from "./network";
import { multiplyName, ROWS, STRIP, scratchBytes, transformKernels } from "./winograd";

/** A layer as its kernels are called; all addresses and strides are in bytes. */
export interface Step {
  readonly rectify: number;
  readonly inputs: number;
  /** Whether it is computed by Winograd's transforms. */
  readonly transformed: boolean;
  readonly blocks: readonly Block[];
}

/** Some output channels of a layer. */
export interface Block {
  readonly kernel: string;
  readonly outputs: number;
  readonly input: number;
  readonly weights: number;
  readonly bias: number;
  readonly output: number;
  /** What is added; 0 for nothing. */
  readonly first: number;
  readonly second: number;
}

export interface Plan {
  readonly steps: readonly Step[];
  readonly height: number;
  readonly width: number;
  readonly row: number;
  readonly plane: number;
  /** Where the planes begin, and all the bytes that are needed. */
  readonly planes: number;
  readonly bytes: number;
  readonly input: number;
  readonly output: number;
  /** Where a row of the image's pixels is put together. */
  readonly pixels: number;
  /** How often `ROWS` rows make up the height, and where each step has a mark (4 bytes) for each. */
  readonly chunks: number;
  readonly marks: number;
  /** Where each thread has this many bytes for itself. */
  readonly scratch: number;
  readonly scratchBytes: number;
}

/** Weights in the order in which the kernels read them, and where each block's begin. */
export interface PackedWeights {
  readonly values: Float32Array;
  readonly places: ReadonlyMap<Convolution, readonly { weights: number; bias: number }[]>;
}

const LINE = 64;
/** Columns before an image, so that its first pixel is aligned; of them the kernels read one. */
const LEFT = 4;
/** The counters of the threads, at the beginning of memory: a cache line each. */
export const COUNTERS = 2 * LINE;
/** With fewer, as an image has, half the multiplications do not outweigh the transforms. */
const ENOUGH_INPUTS = 8;

/**
 * Lays weights out as (block, input, tap, output of the block), each block's biases before it.
 *
 * Those for transformed rows are (block, component, input, row of the kernel, output of the block).
 */
export function packWeights({ layers }: Network): PackedWeights {
  const all = layers.map(kernelsOf);
  const sizes = layers.map(({ bias }, at) => bias.length + lengthOf(all[at] as Float32Array[]));
  const values = new Float32Array(sizes.reduce((sum, size) => sum + size, 0));
  const places = new Map<Convolution, { weights: number; bias: number }[]>();
  let to = 0;
  for (const [at, layer] of layers.entries()) {
    const kernels = all[at] as Float32Array[];
    const begin = ({ first, outputs }: Span): { weights: number; bias: number } => {
      const bias = COUNTERS + FLOAT * to;
      values.set(layer.bias.subarray(first, first + outputs), to);
      to += outputs;
      const block = kernels.slice(first, first + outputs);
      interleave(block, values.subarray(to));
      const weights = COUNTERS + FLOAT * to;
      to += lengthOf(block);
      return { weights, bias };
    };
    places.set(layer, spansOf(layer).map(begin));
  }
  return { values, places };
}

function lengthOf(parts: readonly Float32Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}

/** The first of each, the second of each, and so on; all are of one length. */
function interleave(parts: readonly Float32Array[], out: Float32Array): void {
  for (const [first, part] of parts.entries()) {
    for (let at = 0; at < part.length; at++) out[at * parts.length + first] = part[at] as number;
  }
}

/** The kernels of each output channel, as they are multiplied. */
function kernelsOf(layer: Convolution): Float32Array[] {
  const { weights, outputs } = layer;
  const length = weights.length / outputs;
  return Array.from({ length: outputs }, (_, output) => {
    const kernels = weights.subarray(output * length, (output + 1) * length);
    return isTransformed(layer) ? transformKernels(kernels) : kernels;
  });
}

/** Whether a layer is computed by Winograd's transforms. */
function isTransformed({ side, depth }: Convolution): boolean {
  return side === 3 && depth >= ENOUGH_INPUTS;
}

/** Plans a network for images of a size, and for so many threads. */
export function planNetwork(
  network: Network,
  weights: PackedWeights,
  height: number,
  width: number,
  threads: number,
): Plan {
  const row = FLOAT * (LEFT + roundUp(width, STRIP) + LEFT);
  // An odd number of cache lines, so that the planes of one pixel do not share the cache's sets.
  const plane = LINE * (roundUp((row * (height + 2)) / LINE, 1) | 1);
  const planes = roundUp(COUNTERS + weights.values.byteLength, LINE);
  const slots = new Slots();
  const pixel = (slot: number): number => planes + slot * plane + row + LEFT * FLOAT;
  const corner = row + FLOAT; // from a pixel to the first tap of a 3x3 kernel there
  const places = new Map([[network.input, slots.take(3)]]);
  const placeOf = (name: string): number => places.get(name) as number;
  const steps = network.layers.map((layer, index): Step => {
    const [input, added] = [placeOf(layer.input), layer.added.map(placeOf)];
    const output = slots.take(layer.outputs);
    places.set(layer.output, output);
    for (const name of lastUses(network, index)) {
      slots.give(placeOf(name), channelsOf(network, name));
      places.delete(name);
    }
    const { side, depth } = layer;
    const transformed = isTransformed(layer);
    const nameOf = transformed ? multiplyName : convolveName.bind(null, side);
    const blocks = spansOf(layer).map(({ group, first, outputs }, at): Block => {
      const addends = added.map((slot) => pixel(slot + first));
      return {
        kernel: nameOf(outputs),
        outputs,
        input: pixel(input + group * depth) - (side === 3 ? corner : 0),
        ...(weights.places.get(layer)?.[at] as { weights: number; bias: number }),
        output: pixel(output + first),
        first: addends[0] ?? 0,
        second: addends[1] ?? 0,
      };
    });
    return { rectify: Number(layer.rectified), inputs: depth, transformed, blocks };
  });
  // Kernels read a little beyond the last plane: the ends of a row's last block.
  const pixels = planes + slots.count * plane + row;
  const marks = roundUp(pixels + 4 * network.scale * roundUp(width, PAINTED), LINE);
  const chunks = Math.ceil(height / ROWS);
  const scratch = roundUp(marks + 4 * steps.length * chunks, LINE);
  const most = Math.max(0, ...network.layers.filter(isTransformed).map(({ depth }) => depth));
  const each = roundUp(scratchBytes(most), LINE);
  const bytes = scratch + threads * each;
  return {
    steps,
    height,
    width,
    row,
    plane,
    planes,
    bytes,
    input: pixel(0),
    output: pixel(placeOf((network.layers.at(-1) as Convolution).output)),
    pixels,
    chunks,
    marks,
    scratch,
    scratchBytes: each,
  };
}

/** Output channels that are computed together: of one group, and as many as a kernel takes. */
interface Span {
  readonly group: number;
  readonly first: number;
  readonly outputs: number;
}

function spansOf({ outputs, groups }: Convolution): Span[] {
  const each = outputs / groups;
  return Array.from({ length: groups }, (_, group) =>
    Array.from({ length: Math.ceil(each / OUTPUTS) }, (_, at) => ({
      group,
      first: group * each + at * OUTPUTS,
      outputs: Math.min(OUTPUTS, each - at * OUTPUTS),
    })),
  ).flat();
}

/** What nobody takes after a layer; the result stays. */
function lastUses({ layers }: Network, index: number): string[] {
  const { input, added } = layers[index] as Convolution;
  const later = layers.slice(index + 1).flatMap((layer) => [layer.input, ...layer.added]);
  return [...new Set([input, ...added])].filter((name) => !later.includes(name));
}

function channelsOf({ input, layers }: Network, name: string): number {
  return name === input ? 3 : (layers.find(({ output }) => output === name)?.outputs ?? 0);
}

/** Planes that are free or taken, in runs that lie side by side. */
class Slots {
  count = 0;
  private free: { start: number; size: number }[] = [];

  /** The first of `size` planes: in the first gap where they fit, or at the end. */
  take(size: number): number {
    const gap = this.free.find((one) => one.size >= size);
    if (!gap) {
      this.count += size;
      return this.count - size;
    }
    const { start } = gap;
    gap.start += size;
    gap.size -= size;
    return start;
  }

  give(start: number, size: number): void {
    this.free.push({ start, size });
    this.free.sort((one, two) => one.start - two.start);
    this.free = this.free.reduce<{ start: number; size: number }[]>((merged, gap) => {
      const before = merged.at(-1);
      if (before && before.start + before.size === gap.start) before.size += gap.size;
      else if (gap.size > 0) merged.push({ ...gap });
      return merged;
    }, []);
  }
}

function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}
