/**
 * Convolutions as WebAssembly, four output channels and eight pixels at a time; see `winograd.ts` for
 * those of 3x3 with many channels.
 *
 * Tensors are planar float32 with a border of zeros, so that no tap needs a test. Eight sums are
 * what hides a multiply-add's latency on today's cores (4 cycles, two a cycle), and with two
 * vectors of pixels and one of a weight they fit into the 16 registers of x86-64.
 */

import {
  add,
  addFloats,
  assemble,
  type Code,
  constant,
  countDown,
  float,
  get,
  i32,
  type Local,
  largerFloats,
  load,
  loadSplat,
  multiply,
  multiplyFloats,
  or,
  type Routine,
  relaxedMultiplyAdd,
  set,
  shiftLeft,
  smallerFloats,
  store,
  storeLane,
  truncate,
  type ValueType,
  when,
} from "../../wasm/assembler";
import { FLOAT, type Fuse, VECTOR } from "./block";
import { winogradRoutines } from "./winograd";

export const PIXELS = 8;
const VECTORS = PIXELS / 4;

/** LR pixels that are painted at a time. */
export const PAINTED = 4;

/** The kernel for a block, by its name in the module. */
export function convolveName(side: number, outputs: number): string {
  return `convolve${side}x${outputs}`;
}

/** A row of one block of output channels. Addresses and strides are in bytes. */
export type ConvolveRow = (
  input: number,
  weights: number,
  bias: number,
  output: number,
  first: number,
  second: number,
  rectify: number,
  channels: number,
  blocks: number,
  plane: number,
  row: number,
) => void;

/**
 * A row of an image's pixels, RGBA of 8 bits, from the planes of its sub-pixels.
 *
 * @param planes the place in the first of them, of the red sub-pixels of that row
 * @param runs of `PAINTED` LR pixels each
 */
export type PaintRow = (planes: number, pixels: number, runs: number, plane: number) => void;

const separate: Fuse = (one, two, three) => addFloats(multiplyFloats(one, two), three);

/** Scales that there are. */
export const SCALES = [2, 3, 4];

/**
 * A module with `convolve{1,3}x{1..4}`: the side of the kernel, and the output channels of a block;
 * the routines of Winograd's convolutions; and `paint{2,3,4}`, by the scale.
 *
 * @param relaxed whether the browser has fused multiply-adds
 */
export function buildKernels(relaxed: boolean, sharedPages: number): Uint8Array<ArrayBuffer> {
  const fuse = relaxed ? relaxedMultiplyAdd : separate;
  const shapes = [1, 3].flatMap((side) => [1, 2, 3, 4].map((outputs) => [side, outputs] as const));
  const routines = [
    ...shapes.map(([side, outputs]) => convolution(side, outputs, fuse)),
    ...winogradRoutines(fuse),
    ...SCALES.map(painting),
  ];
  return assemble(routines, sharedPages);
}

function convolution(side: number, outputs: number, fuse: Fuse): Routine {
  const parameters: ValueType[] = new Array(11).fill("i32");
  const locals: ValueType[] = [];
  const declare = (type: ValueType): Local => parameters.length + locals.push(type) - 1;
  const [input, weights, bias, output, first, second] = [0, 1, 2, 3, 4, 5] as const;
  const [rectify, channels, blocks, plane, row] = [6, 7, 8, 9, 10] as const;
  const rows = Array.from({ length: side }, () => declare("i32"));
  const weight = declare("i32");
  const left = declare("i32");
  const place = declare("i32");
  const pixels = Array.from({ length: VECTORS }, () => declare("v128"));
  const splat = declare("v128");
  const sums = Array.from({ length: outputs }, () =>
    Array.from({ length: VECTORS }, () => declare("v128")),
  );
  const step = (local: Local, bytes: Code): Code => set(local, add(get(local), bytes));

  const tap = (y: number, x: number): Code => [
    pixels.map((pixel, v) => set(pixel, load(get(rows[y] as Local), x * FLOAT + v * VECTOR))),
    sums.map((sum, o) => [
      set(splat, loadSplat(get(weight), ((y * side + x) * outputs + o) * FLOAT)),
      sum.map((part, v) => set(part, fuse(get(pixels[v] as Local), get(splat), get(part)))),
    ]),
  ];
  const taps = rows.map((_, y) => rows.map((_, x) => tap(y, x)));
  const addResidual = (base: Local): Code =>
    when(get(base), [
      set(place, get(base)),
      sums.map((sum) => [
        sum.map((part, v) => set(part, addFloats(get(part), load(get(place), v * VECTOR)))),
        step(place, get(plane)),
      ]),
      step(base, i32(PIXELS * FLOAT)),
    ]);
  const block: Code = [
    sums.map((sum, o) => sum.map((part) => set(part, loadSplat(get(bias), o * FLOAT)))),
    set(weight, get(weights)),
    set(left, get(channels)),
    set(rows[0] as Local, get(input)),
    rows.slice(1).map((below, y) => set(below, add(get(rows[y] as Local), get(row)))),
    countDown(left, [
      taps,
      rows.map((at) => step(at, get(plane))),
      step(weight, i32(side * side * outputs * FLOAT)),
    ]),
    when(
      get(rectify),
      sums.flat().map((part) => set(part, largerFloats(get(part), float(0)))),
    ),
    addResidual(first),
    addResidual(second),
    set(place, get(output)),
    sums.map((sum) => [
      sum.map((part, v) => store(get(place), get(part), v * VECTOR)),
      step(place, get(plane)),
    ]),
    step(input, i32(PIXELS * FLOAT)),
    step(output, i32(PIXELS * FLOAT)),
  ];
  return {
    name: convolveName(side, outputs),
    parameters,
    locals,
    body: countDown(blocks, block),
  };
}

/** Clamps and rounds half up, as `fromNchw` does, and puts the sub-pixels side by side. */
function painting(scale: number): Routine {
  const parameters: ValueType[] = new Array(4).fill("i32");
  const [planes, pixels, runs, plane] = [0, 1, 2, 3] as const;
  const [at, packed] = [4, 5] as const;
  const level = (value: Code): Code => {
    const scaled = addFloats(multiplyFloats(value, float(255)), float(0.5));
    return truncate(smallerFloats(largerFloats(scaled, float(0)), float(255)));
  };
  const shade = (channel: number): Code => [
    set(packed, or(get(packed), shiftLeft(level(load(get(at))), 8 * channel))),
    set(at, add(get(at), multiply(get(plane), i32(scale * scale)))),
  ];
  const column = (dx: number): Code => [
    set(at, add(get(planes), multiply(get(plane), i32(dx)))),
    set(packed, constant(0xff000000)),
    [0, 1, 2].map(shade),
    [0, 1, 2, 3].map((lane) => storeLane(get(pixels), get(packed), lane, 4 * (lane * scale + dx))),
  ];
  return {
    name: `paint${scale}`,
    parameters,
    locals: ["i32", "v128"],
    body: countDown(runs, [
      Array.from({ length: scale }, (_, dx) => column(dx)),
      set(planes, add(get(planes), i32(VECTOR))),
      set(pixels, add(get(pixels), i32(VECTOR * scale))),
    ]),
  };
}
