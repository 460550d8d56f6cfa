/**
 * Writes WebAssembly: as much of its binary format as the app's kernels need.
 *
 * Numbers of sections, types and instructions are those of the WebAssembly Core Specification 3.0,
 * chapter 5 (Binary Format).
 */

/** Bytes, one after another, in as many brackets as there happen to be. */
export type Code = readonly (number | Code)[];

export type ValueType = "i32" | "v128";

/** A local variable or a parameter, by its number. */
export type Local = number;

const TYPES: Readonly<Record<ValueType, number>> = { i32: 0x7f, v128: 0x7b };
const FUNCTION_TYPE = 0x60;
const NO_VALUE = 0x40;
const VECTOR = 0xfd;
const END = 0x0b;

/** A whole number without a sign, as LEB128. */
export function unsigned(value: number): Code {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest & 127;
    rest >>>= 7;
    bytes.push(rest ? low | 128 : low);
  } while (rest);
  return bytes;
}

/** A whole number of 32 bits with a sign, as LEB128. */
export function signed(value: number): Code {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7) {
    const low = rest & 127;
    const last = rest >> 6 === 0 || rest >> 6 === -1;
    bytes.push(last ? low : low | 128);
    if (last) return bytes;
  }
}

export const get = (local: Local): Code => [0x20, unsigned(local)];
export const set = (local: Local, value: Code): Code => [value, 0x21, unsigned(local)];

export const i32 = (value: number): Code => [0x41, signed(value)];
export const add = (one: Code, two: Code): Code => [one, two, 0x6a];
export const subtract = (one: Code, two: Code): Code => [one, two, 0x6b];
export const multiply = (one: Code, two: Code): Code => [one, two, 0x6c];

const vector = (instruction: number): Code => [VECTOR, unsigned(instruction)];
const binary =
  (instruction: number) =>
  (one: Code, two: Code): Code => [one, two, vector(instruction)];

/** Four floats at an address, which need not be a multiple of anything. */
export const load = (address: Code, offset = 0): Code => [
  address,
  vector(0x00),
  2,
  unsigned(offset),
];
/** One float at an address, four times. */
export const loadSplat = (address: Code, offset = 0): Code => [
  address,
  vector(0x09),
  2,
  unsigned(offset),
];
export const store = (address: Code, value: Code, offset = 0): Code => [
  address,
  value,
  vector(0x0b),
  2,
  unsigned(offset),
];
/** Stores one of a vector's four values. */
export const storeLane = (address: Code, value: Code, lane: number, offset = 0): Code => [
  address,
  value,
  vector(0x5a),
  2,
  unsigned(offset),
  lane,
];
/** The same 32 bits, four times. */
export const constant = (bits: number): Code => [
  vector(0x0c),
  new Array<Code>(4).fill(bytesOf(bits)),
];
/** The same float, four times. */
export const float = (value: number): Code => {
  const bits = new DataView(new ArrayBuffer(4));
  bits.setFloat32(0, value);
  return constant(bits.getUint32(0));
};
export const addFloats = binary(0xe4);
export const subtractFloats = binary(0xe5);
export const multiplyFloats = binary(0xe6);
export const smallerFloats = binary(0xe8);
export const largerFloats = binary(0xe9);
export const or = binary(0x50);
/** Four of eight floats: those of `one` have the numbers 0 to 3, those of `two` 4 to 7. */
export const shuffleFloats = (one: Code, two: Code, lanes: readonly number[]): Code => [
  one,
  two,
  vector(0x0d),
  lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * lane + byte)),
];
/** Floats without their fractions, as whole numbers with a sign. */
export const truncate = (value: Code): Code => [value, vector(0xf8)];
export const shiftLeft = (value: Code, bits: number): Code => [value, i32(bits), vector(0xab)];
/** Eight bytes at an address, as whole numbers of 16 bits. */
export const loadWords = (address: Code, offset = 0): Code => [
  address,
  vector(0x02),
  0,
  unsigned(offset),
];
export const addWords = binary(0x8e);
export const subtractWords = binary(0x91);
export const absoluteWords = (value: Code): Code => [value, vector(0x80)];
/** Ones where `one` is larger. */
export const largerWords = binary(0x31);
/** The low bytes of twice eight numbers that are bytes. */
export const bytesOfWords = binary(0x66);
export const subtractBytes = binary(0x71);
/** The bits of `one` where the mask has ones, else those of `two`. */
export const select = (one: Code, two: Code, mask: Code): Code => [one, two, mask, vector(0x52)];
/** `one * two + three`, rounded once or twice, as the processor does it faster. */
export const relaxedMultiplyAdd = (one: Code, two: Code, three: Code): Code => [
  one,
  two,
  three,
  vector(0x105),
];

/** Runs `body` as often as `counter` says, which counts down to zero. At least once. */
export const countDown = (counter: Local, body: Code): Code => [
  0x03, // loop
  NO_VALUE,
  body,
  subtract(get(counter), i32(1)),
  0x22, // local.tee
  unsigned(counter),
  0x0d, // br_if
  0,
  END,
];

/** Runs `body` unless `condition` is 0. */
export const when = (condition: Code, body: Code): Code => [condition, 0x04, NO_VALUE, body, END];

export interface Routine {
  readonly name: string;
  readonly parameters: readonly ValueType[];
  readonly locals: readonly ValueType[];
  readonly body: Code;
}

/**
 * A module of functions without results, over a memory that it imports as `env.memory`.
 *
 * @param sharedPages the most pages (64 KiB) of a memory that threads share, or 0 for one of its own
 */
export function assemble(
  routines: readonly Routine[],
  sharedPages: number,
): Uint8Array<ArrayBuffer> {
  const limits = sharedPages ? [3, unsigned(0), unsigned(sharedPages)] : [0, 0];
  const types = routines.map(({ parameters }) => [
    FUNCTION_TYPE,
    list(parameters.map((type) => [TYPES[type]])),
    0,
  ]);
  const exported = routines.map(({ name }, index) => [text(name), 0, unsigned(index)]);
  const bodies = routines.map(({ locals, body }) =>
    sized([list(locals.map((type) => [1, TYPES[type]])), body, END]),
  );
  return Uint8Array.from(
    flat([
      [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      section(1, types),
      section(2, [[text("env"), text("memory"), 2, limits]]),
      section(
        3,
        routines.map((_, index) => unsigned(index)),
      ),
      section(7, exported),
      section(10, bodies),
    ]),
  );
}

/** Without the brackets. */
function flat(code: Code, bytes: number[] = []): number[] {
  for (const part of code) {
    if (typeof part === "number") bytes.push(part);
    else flat(part, bytes);
  }
  return bytes;
}

function bytesOf(bits: number): Code {
  return [bits & 255, (bits >> 8) & 255, (bits >> 16) & 255, bits >>> 24];
}

function section(number: number, items: readonly Code[]): Code {
  return [number, sized(list(items))];
}

function list(items: readonly Code[]): Code {
  return [unsigned(items.length), items];
}

function sized(code: Code): Code {
  const bytes = flat(code);
  return [unsigned(bytes.length), bytes];
}

function text(value: string): Code {
  return sized([...new TextEncoder().encode(value)]);
}
