/**
 * A model and its twin for degraded photos, mixed to one network, as the Python package does it
 * (`zoo/mixing.py`): their ONNX files differ in nothing but the values of their weights.
 */

import { readWeights } from "./onnx-file";

/**
 * `(1 - strength) * clean + strength * twin` of every float32 weight, in the clean file.
 *
 * @param clean an ONNX file
 * @param twin another one of the same network
 * @throws RangeError a file is no ONNX model, or of another network
 */
export function mixWeights(clean: Uint8Array, twin: Uint8Array, strength: number): Uint8Array {
  const mixed = clean.slice();
  const ours = readWeights(mixed);
  const theirs = readWeights(twin);
  if (ours.length !== theirs.length) throw new RangeError("the twin is of another network");
  ours.forEach(({ bytes }, index) => {
    mixInto(bytes, theirs[index]?.bytes as DataView, strength);
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
