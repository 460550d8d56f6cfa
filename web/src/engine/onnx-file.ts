/**
 * Reads ONNX files, as far as the app needs it: their nodes and their float32 weights.
 *
 * The numbers of fields are those of `onnx.proto`; the encoding is that of Protocol Buffers.
 */

/** A field of a message: a number, or the bytes of what has a size. */
type Field = number | Uint8Array;

/** Numbers of fields. */
const MODEL = { graph: 7 } as const;
const GRAPH = { node: 1, initializer: 5 } as const;
const NODE = { input: 1, output: 2, operator: 4, attribute: 5 } as const;
const ATTRIBUTE = { name: 1, number: 3, text: 4, numbers: 8 } as const;
const TENSOR = { shape: 1, dataType: 2, name: 8, bytes: 9 } as const;
const FLOAT = 1;

/** How a field is written. */
const VARINT = 0;
const SIZED = 2;
const FIXED_BYTES: Readonly<Record<number, number>> = { 1: 8, 5: 4 };

export interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** The values, float32 and little-endian, where they lie in the file. */
  readonly bytes: DataView;
}

export type Attribute = number | string | readonly number[];

export interface Node {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;
}

/**
 * The float32 tensors that a file holds, in its order.
 *
 * @throws RangeError it is no ONNX model, or is cut off
 */
export function readWeights(file: Uint8Array): Tensor[] {
  return all(graphOf(file), GRAPH.initializer).flatMap((tensor) => {
    const parts = [...fields(sized(tensor))];
    const bytes = last(parts, TENSOR.bytes);
    if (last(parts, TENSOR.dataType) !== FLOAT || bytes === undefined) return [];
    const { buffer, byteOffset, byteLength } = sized(bytes);
    return [
      {
        name: text(last(parts, TENSOR.name)),
        shape: numbers(all(parts, TENSOR.shape)),
        bytes: new DataView(buffer, byteOffset, byteLength),
      },
    ];
  });
}

/** A tensor's values: copied, since in the file they need not lie where floats may. */
export function floatsOf({ bytes: { buffer, byteOffset, byteLength } }: Tensor): Float32Array {
  return new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));
}

/**
 * What a file computes, in an order in which it can be computed.
 *
 * @throws RangeError it is no ONNX model, or is cut off
 */
export function readNodes(file: Uint8Array): Node[] {
  return all(graphOf(file), GRAPH.node).map((node) => {
    const parts = [...fields(sized(node))];
    return {
      operator: text(last(parts, NODE.operator)),
      inputs: all(parts, NODE.input).map(text),
      outputs: all(parts, NODE.output).map(text),
      attributes: new Map(all(parts, NODE.attribute).map(readAttribute)),
    };
  });
}

function readAttribute(field: Field): [string, Attribute] {
  const parts = [...fields(sized(field))];
  const name = text(last(parts, ATTRIBUTE.name));
  const several = all(parts, ATTRIBUTE.numbers);
  if (several.length > 0) return [name, numbers(several)];
  const value = last(parts, ATTRIBUTE.text);
  return [name, value === undefined ? Number(last(parts, ATTRIBUTE.number) ?? 0) : text(value)];
}

function graphOf(file: Uint8Array): [number, Field][] {
  return [...fields(sized(last([...fields(file)], MODEL.graph)))];
}

function all(parts: readonly [number, Field][], wanted: number): Field[] {
  return parts.filter(([number]) => number === wanted).map(([, value]) => value);
}

function last(parts: readonly [number, Field][], wanted: number): Field | undefined {
  return all(parts, wanted).at(-1);
}

/** Repeated numbers: one to a field, or packed into one. */
function numbers(values: readonly Field[]): number[] {
  return values.flatMap((value) => (value instanceof Uint8Array ? [...varints(value)] : [value]));
}

function text(field: Field | undefined): string {
  return new TextDecoder().decode(sized(field));
}

function sized(field: Field | undefined): Uint8Array {
  if (field instanceof Uint8Array) return field;
  throw new RangeError("no ONNX model");
}

/** The fields of a message, by number; those with a size as their bytes. */
function* fields(message: Uint8Array): Generator<[number, Field]> {
  const cursor = { at: 0 };
  while (cursor.at < message.length) {
    const key = varint(message, cursor);
    const kind = key & 7;
    if (kind === VARINT) {
      yield [key >> 3, varint(message, cursor)];
      continue;
    }
    const size = kind === SIZED ? varint(message, cursor) : (FIXED_BYTES[kind] ?? Infinity);
    if (size > message.length - cursor.at) throw new RangeError("a field is cut off");
    yield [key >> 3, message.subarray(cursor.at, cursor.at + size)];
    cursor.at += size;
  }
}

function* varints(packed: Uint8Array): Generator<number> {
  const cursor = { at: 0 };
  while (cursor.at < packed.length) yield varint(packed, cursor);
}

function varint(message: Uint8Array, cursor: { at: number }): number {
  let value = 0;
  for (let factor = 1; ; factor *= 128) {
    const byte = message[cursor.at++];
    if (byte === undefined) throw new RangeError("a field is cut off");
    value += (byte & 127) * factor;
    if (byte < 128) return value;
  }
}
