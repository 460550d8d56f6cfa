/**
 * A model and its twin for degraded photos, mixed to one network, as the Python package does it
 * (`zoo/mixing.py`): their ONNX files differ in nothing but the values of their weights.
 */

/** Numbers of fields: of ONNX's messages, and the kinds that Protocol Buffers write. */
const GRAPH = 7;
const INITIALIZER = 5;
const DATA_TYPE = 2;
const RAW_DATA = 9;
const FLOAT = 1;
const VARINT = 0;
const SIZED = 2;
const FIXED_BYTES: Readonly<Record<number, number>> = { 1: 8, 5: 4 };

/**
 * `(1 - strength) * clean + strength * twin` of every float32 weight, in the clean file.
 *
 * @param clean an ONNX file
 * @param twin another one of the same network
 * @throws RangeError a file is no ONNX model, or of another network
 */
export function mixWeights(clean: Uint8Array, twin: Uint8Array, strength: number): Uint8Array {
  const mixed = clean.slice();
  const ours = findWeights(mixed);
  const theirs = findWeights(twin);
  if (ours.length !== theirs.length) throw new RangeError("the twin is of another network");
  ours.forEach((place, index) => {
    mixInto(place, theirs[index] as DataView, strength);
  });
  return mixed;
}

function mixInto(ours: DataView, theirs: DataView, strength: number): void {
  if (ours.byteLength !== theirs.byteLength) throw new RangeError("the twin has other weights");
  for (let at = 0; at < ours.byteLength; at += 4) {
    const [one, two] = [ours.getFloat32(at, true), theirs.getFloat32(at, true)];
    ours.setFloat32(at, (1 - strength) * one + strength * two, true);
  }
}

/** The bytes of each float32 tensor of the graph, in the file's order. */
function findWeights(file: Uint8Array): DataView[] {
  const graphs = [...fields(file)].filter(([number]) => number === GRAPH);
  const tensors = [...fields(sized(graphs[0]?.[1]))].filter(([number]) => number === INITIALIZER);
  return tensors.flatMap(([, tensor]) => {
    const parts = new Map(fields(sized(tensor)));
    const data = parts.get(RAW_DATA);
    if (parts.get(DATA_TYPE) !== FLOAT || data === undefined) return [];
    const { buffer, byteOffset, byteLength } = sized(data);
    return [new DataView(buffer, byteOffset, byteLength)];
  });
}

/** The fields of a message, by number; those with a size as their bytes. */
function* fields(message: Uint8Array): Generator<[number, number | Uint8Array]> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = message[at++];
      if (byte === undefined) throw new RangeError("a field is cut off");
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const key = varint();
    const kind = key & 7;
    if (kind === VARINT) {
      yield [key >> 3, varint()];
      continue;
    }
    const size = kind === SIZED ? varint() : (FIXED_BYTES[kind] ?? Number.POSITIVE_INFINITY);
    if (size > message.length - at) throw new RangeError("a field is cut off");
    yield [key >> 3, message.subarray(at, at + size)];
    at += size;
  }
}

function sized(field: number | Uint8Array | undefined): Uint8Array {
  if (field instanceof Uint8Array) return field;
  throw new RangeError("no ONNX model");
}
