/**
 * 3x3 convolutions by Winograd's F(4,3) along the rows: half the multiplications.
 *
 * A tile is four pixels of a row. A row of a kernel makes them from six pixels, by twelve products;
 * six are enough if both are transformed, as in a product of polynomials that is found from its
 * values at six points. All channels and the three rows of a kernel are summed before the result is
 * transformed back.
 *
 * A strip is four tiles side by side, one in each lane of a vector. Its transformed rows lie as
 * (channel, component, row), and its sums as (component, output channel, row). Eight sums at a
 * time, as in the direct kernels: here of two rows, which share most of what is loaded.
 *
 * S. Winograd, Arithmetic Complexity of Computations, 1980; A. Lavin and S. Gray, Fast Algorithms
 * for Convolutional Neural Networks, 2016 (arXiv 1509.09308), of which F(m,r) and the names of the
 * transforms are.
 */

import {
  add,
  addFloats,
  type Code,
  countDown,
  float,
  get,
  i32,
  type Local,
  largerFloats,
  load,
  loadSplat,
  type Routine,
  set,
  shuffleFloats,
  store,
  subtractFloats,
  type ValueType,
  when,
} from "../../wasm/assembler";
import { FLOAT, type Fuse, OUTPUTS, VECTOR } from "./block";

export const TILE = 4;
const TILES = 4;
/** Pixels of a strip's row. */
export const STRIP = TILES * TILE;
/** Rows that are made from one transform, two at a time. It takes one more above and one below. */
export const ROWS = 4;
const COMPONENTS = 6;
/** Bytes of a transformed strip: of one component of a channel, and of a channel. */
const COMPONENT = (ROWS + 2) * VECTOR;
const CHANNEL = COMPONENTS * COMPONENT;
/** Bytes of the sums of one component. */
const SUM = OUTPUTS * ROWS * VECTOR;

/**
 * Points are 0, A, -A, B, -B and infinity. With these two, errors are 1.4 times those of direct sums
 * in float32; with 1 and 2, which are usual, twice (root mean square, 16 to 64 channels of normal
 * random numbers).
 */
const A = 3 / 4;
const B = 3 / 2;

/** Bytes that a thread needs for itself: for the sums, and behind them for the tiles. */
export function scratchBytes(channels: number): number {
  return COMPONENTS * SUM + channels * CHANNEL;
}

/** Where the tiles begin. */
export function tilesIn(scratch: number): number {
  return scratch + COMPONENTS * SUM;
}

/** The matrix G of Lavin and Gray: powers of the points, divided as in Lagrange's interpolation. */
const KERNEL_TRANSFORM = [
  [1 / (A * B) ** 2, 0, 0],
  ...[A, -A].map((point) => scaledPowers(point, B)),
  ...[B, -B].map((point) => scaledPowers(point, A)),
  [0, 0, 1],
] as [number, number, number][];

function scaledPowers(point: number, other: number): number[] {
  const scale = 1 / (2 * point ** 2 * (point ** 2 - other ** 2));
  return [scale, scale * point, scale * point ** 2];
}

/**
 * Transforms the kernels of an output channel, row by row.
 *
 * @param kernels (channels, 3, 3)
 * @returns (6, channels, 3)
 */
export function transformKernels(kernels: Float32Array): Float32Array {
  const transformed = new Float32Array(2 * kernels.length);
  let to = 0;
  for (const [first, second, third] of KERNEL_TRANSFORM) {
    for (let at = 0; at < kernels.length; at += 3) {
      transformed[to++] =
        first * (kernels[at] as number) +
        second * (kernels[at + 1] as number) +
        third * (kernels[at + 2] as number);
    }
  }
  return transformed;
}

/**
 * Transforms rows of a strip. Addresses and strides are in bytes.
 *
 * @param input the pixel above and to the left of the strip
 */
export type TransformInput = (
  input: number,
  tiles: number,
  channels: number,
  rows: number,
  plane: number,
  row: number,
) => void;

/** Multiplies and sums, for one block of output channels. */
export type MultiplyTiles = (
  tiles: number,
  weights: number,
  sums: number,
  channels: number,
  pairsOfRows: number,
) => void;

/** Transforms sums to pixels of the strip, which get what follows a convolution. */
export type TransformOutput = (
  sums: number,
  bias: number,
  output: number,
  first: number,
  second: number,
  rectify: number,
  outputs: number,
  rows: number,
  plane: number,
  row: number,
) => void;

export const TRANSFORM_INPUT = "transformInput";
export const TRANSFORM_OUTPUT = "transformOutput";

/** The kernel for a block, by its name in the module. */
export function multiplyName(outputs: number): string {
  return `multiply${outputs}`;
}

/** `transformInput`, `multiply{1..4}` and `transformOutput`. */
export function winogradRoutines(fuse: Fuse): Routine[] {
  const multiplying = [1, 2, 3, 4].map((outputs) => multiplyTiles(outputs, fuse));
  return [transformInput(fuse), ...multiplying, transformOutput(fuse)];
}

/** A routine's parameters and locals. */
class Frame {
  private readonly parameters: ValueType[];
  private readonly locals: ValueType[] = [];
  private readonly constants: Code[] = [];

  constructor(parameters: number) {
    this.parameters = new Array(parameters).fill("i32");
  }

  integer(): Local {
    return this.declare("i32");
  }

  vector(): Local {
    return this.declare("v128");
  }

  vectors(count: number): Local[] {
    return Array.from({ length: count }, () => this.vector());
  }

  /** A float, four times, that is not made anew wherever it is used. */
  constant(value: number): Code {
    const local = this.vector();
    this.constants.push(set(local, float(value)));
    return get(local);
  }

  routine(name: string, body: Code): Routine {
    const { parameters, locals, constants } = this;
    return { name, parameters, locals, body: [constants, body] };
  }

  private declare(type: ValueType): Local {
    return this.parameters.length + this.locals.push(type) - 1;
  }
}

const step = (local: Local, bytes: Code): Code => set(local, add(get(local), bytes));

/** Makes columns of four vectors, of which the rows were; four more are in between. */
function transpose(rows: readonly Local[], between: readonly Local[]): Code {
  const [a, b, c, d] = rows.map(get) as [Code, Code, Code, Code];
  const [e, f, g, h] = between.map(get) as [Code, Code, Code, Code];
  const [firsts, lasts] = [
    [0, 4, 1, 5],
    [2, 6, 3, 7],
  ] as const;
  const [lower, upper] = [
    [0, 1, 4, 5],
    [2, 3, 6, 7],
  ] as const;
  const setAll = (locals: readonly Local[], values: readonly Code[]): Code =>
    locals.map((local, at) => set(local, values[at] as Code));
  return [
    setAll(between, [
      shuffleFloats(a, b, firsts),
      shuffleFloats(c, d, firsts),
      shuffleFloats(a, b, lasts),
      shuffleFloats(c, d, lasts),
    ]),
    setAll(rows, [
      shuffleFloats(e, f, lower),
      shuffleFloats(e, f, upper),
      shuffleFloats(g, h, lower),
      shuffleFloats(g, h, upper),
    ]),
  ];
}

/** The rows of the matrix B^T of Lavin and Gray, each a polynomial that is 0 at all other points. */
function transformInput(fuse: Fuse): Routine {
  const frame = new Frame(6);
  const [input, tiles, channels, rows, plane, row] = [0, 1, 2, 3, 4, 5] as const;
  const [from, to, left] = [frame.integer(), frame.integer(), frame.integer()];
  const pixels = frame.vectors(COMPONENTS);
  const between = frame.vectors(TILES);
  const [even, odd] = between as [Local, Local];
  const [product, minusSum] = [frame.constant((A * B) ** 2), frame.constant(-(A ** 2) - B ** 2)];
  const pixel = (at: number): Code => get(pixels[at] as Local);
  // The last two pixels that a tile sees are the first two of the next.
  const ofNext = (at: number): Code => {
    const last = load(get(from), (TILES - 1) * VECTOR + at * FLOAT);
    return shuffleFloats(pixel(at - TILE), last, [1, 2, 3, 4]);
  };
  const put = (component: number, value: Code): Code =>
    store(get(to), value, component * COMPONENT);
  const putEnd = (component: number, at: number): Code =>
    put(component, fuse(pixel(at), product, fuse(pixel(at + 2), minusSum, pixel(at + 4))));
  const putPair = (component: number, point: number, other: number): Code => {
    const minusSquare = frame.constant(-(other ** 2));
    return [
      set(even, fuse(pixel(2), minusSquare, pixel(4))),
      set(odd, fuse(pixel(1), minusSquare, pixel(3))),
      put(component, fuse(get(odd), frame.constant(point), get(even))),
      put(component + 1, fuse(get(odd), frame.constant(-point), get(even))),
    ];
  };
  const transformed: Code = [
    pixels.slice(0, TILE).map((local, tile) => set(local, load(get(from), tile * VECTOR))),
    transpose(pixels.slice(0, TILE), between),
    [4, 5].map((at) => set(pixels[at] as Local, ofNext(at))),
    putEnd(0, 0),
    putPair(1, A, B),
    putPair(3, B, A),
    putEnd(5, 1),
  ];
  return frame.routine(TRANSFORM_INPUT, [
    countDown(channels, [
      set(from, get(input)),
      set(to, get(tiles)),
      set(left, get(rows)),
      countDown(left, [transformed, step(from, get(row)), step(to, i32(VECTOR))]),
      step(input, get(plane)),
      step(tiles, i32(CHANNEL)),
    ]),
  ]);
}

function multiplyTiles(outputs: number, fuse: Fuse): Routine {
  const frame = new Frame(5);
  const [tiles, weights, sums, channels, pairs] = [0, 1, 2, 3, 4] as const;
  const [components, at, weight] = [frame.integer(), frame.integer(), frame.integer()];
  const [from, left, to] = [frame.integer(), frame.integer(), frame.integer()];
  const inputs = frame.vectors(4);
  const splat = frame.vector();
  const parts = Array.from({ length: outputs }, () => frame.vectors(2));
  const partsAt = parts.flatMap((pair, o) =>
    pair.map((part, y) => [part, (o * ROWS + y) * VECTOR] as const),
  );
  const input = (at: number): Code => set(inputs[at] as Local, load(get(from), at * VECTOR));
  const tap = (down: number): Code => [
    down === 0 ? [input(0), input(1)] : input(down + 1),
    parts.map((pair, o) => [
      set(splat, loadSplat(get(weight), (down * outputs + o) * FLOAT)),
      pair.map((part, y) => set(part, fuse(get(inputs[y + down] as Local), get(splat), get(part)))),
    ]),
  ];
  const component: Code = [
    partsAt.map(([part]) => set(part, float(0))),
    set(from, get(at)),
    set(left, get(channels)),
    countDown(left, [
      [0, 1, 2].map(tap),
      step(from, i32(CHANNEL)),
      step(weight, i32(3 * outputs * FLOAT)),
    ]),
    partsAt.map(([part, place]) => store(get(to), get(part), place)),
    step(at, i32(COMPONENT)),
    step(to, i32(SUM)),
  ];
  return frame.routine(multiplyName(outputs), [
    countDown(pairs, [
      set(at, get(tiles)),
      set(weight, get(weights)),
      set(to, get(sums)),
      set(components, i32(COMPONENTS)),
      countDown(components, component),
      step(tiles, i32(2 * VECTOR)),
      step(sums, i32(2 * VECTOR)),
    ]),
  ]);
}

/** The rows of the matrix A^T of Lavin and Gray: powers of the points. */
function transformOutput(fuse: Fuse): Routine {
  const frame = new Frame(10);
  const [sums, bias, output, first, second] = [0, 1, 2, 3, 4] as const;
  const [rectify, outputs, rows, plane, row] = [5, 6, 7, 8, 9] as const;
  const [channel, down, place] = [frame.integer(), frame.integer(), frame.integer()];
  const [from, left] = [frame.integer(), frame.integer()];
  const offset = frame.vector();
  const parts = frame.vectors(COMPONENTS);
  const [plus, minus] = [frame.vectors(2), frame.vectors(2)];
  const pixels = frame.vectors(TILE);
  const part = (component: number): Code => get(parts[component] as Local);
  const weighted = ([ofA, ofB]: Local[], exponent: number, rest: Code): Code => {
    const [a, b] = [frame.constant(A ** exponent), frame.constant(B ** exponent)];
    return fuse(get(ofA as Local), a, fuse(get(ofB as Local), b, rest));
  };
  const values = [
    addFloats(addFloats(...(plus.map(get) as [Code, Code])), addFloats(part(0), get(offset))),
    weighted(minus, 1, get(offset)),
    weighted(plus, 2, get(offset)),
    weighted(minus, 3, addFloats(part(5), get(offset))),
  ];
  const addResidual = (base: Local): Code =>
    when(get(base), [
      set(place, add(get(base), get(down))),
      pixels.map((pixel, v) => set(pixel, addFloats(get(pixel), load(get(place), v * VECTOR)))),
    ]);
  const transformed: Code = [
    parts.map((local, component) => set(local, load(get(from), component * SUM))),
    plus.map((local, at) => set(local, addFloats(part(2 * at + 1), part(2 * at + 2)))),
    minus.map((local, at) => set(local, subtractFloats(part(2 * at + 1), part(2 * at + 2)))),
    pixels.map((pixel, at) => set(pixel, values[at] as Code)),
    transpose(pixels, parts.slice(0, TILES)),
    when(
      get(rectify),
      pixels.map((pixel) => set(pixel, largerFloats(get(pixel), float(0)))),
    ),
    addResidual(first),
    addResidual(second),
    set(place, add(get(output), get(down))),
    pixels.map((pixel, v) => store(get(place), get(pixel), v * VECTOR)),
  ];
  return frame.routine(TRANSFORM_OUTPUT, [
    set(channel, i32(0)),
    countDown(outputs, [
      set(offset, loadSplat(get(bias))),
      set(from, get(sums)),
      set(down, get(channel)),
      set(left, get(rows)),
      countDown(left, [transformed, step(from, i32(VECTOR)), step(down, get(row))]),
      step(bias, i32(FLOAT)),
      step(sums, i32(ROWS * VECTOR)),
      step(channel, get(plane)),
    ]),
  ]);
}
