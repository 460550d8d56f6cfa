/**
 * What an ONNX file of ours computes: convolutions, each with what follows it on the same pixels.
 *
 * A ReLU and additions are done by the convolution before them, while its sums are in registers.
 */

import { floatsOf, type Node, readNodes, readWeights, type Tensor } from "../onnx-file";

export interface Convolution {
  readonly input: string;
  /** (outputs, inputs / groups, side, side) */
  readonly weights: Float32Array;
  /** (outputs,) */
  readonly bias: Float32Array;
  readonly side: number;
  readonly groups: number;
  /** Input channels of a group. */
  readonly depth: number;
  readonly outputs: number;
  rectified: boolean;
  /** What is added after the ReLU, if there is one. */
  readonly added: string[];
  /** Its name after all of that. */
  output: string;
}

/** From (3, H, W) to the channels of (3, scale * H, scale * W), sub-pixel by sub-pixel. */
export interface Network {
  readonly input: string;
  readonly layers: readonly Convolution[];
  readonly scale: number;
}

/** A network that the kernels cannot run; its message says why. */
export class UnknownNetwork extends RangeError {}

/** Kernels that there are. */
const SIDES = [1, 3];
/** As many can be added to one convolution. */
const MOST_ADDED = 2;

/**
 * Reads a network of convolutions, ReLU, additions and one sub-pixel rearrangement at the end.
 *
 * @throws UnknownNetwork it computes something else
 * @throws RangeError the file is no ONNX model, or is cut off
 */
export function readNetwork(file: Uint8Array): Network {
  const weights = new Map(readWeights(file).map((tensor) => [tensor.name, tensor]));
  const nodes = readNodes(file);
  const layers: Convolution[] = [];
  const rearrangement = nodes.pop();
  for (const node of nodes) append(layers, node, weights);
  const scale = scaleOf(rearrangement);
  const last = layers.at(-1);
  const input = layers[0]?.input;
  if (!last || input === undefined) throw new UnknownNetwork("a network without convolutions");
  if (rearrangement?.inputs[0] !== last.output || last.outputs !== 3 * scale ** 2) {
    throw new UnknownNetwork("the network does not end in an image");
  }
  checkOrder(layers, input);
  return { input, layers, scale };
}

/** Sees that each layer takes what is there: the network's input, or what earlier ones give. */
function checkOrder(layers: readonly Convolution[], given: string): void {
  const known = new Set([given]);
  for (const { input, added, output } of layers) {
    const missing = [input, ...added].find((name) => !known.has(name));
    if (missing !== undefined) throw new UnknownNetwork(`nothing gives ${missing}`);
    known.add(output);
  }
}

function append(layers: Convolution[], node: Node, weights: ReadonlyMap<string, Tensor>): void {
  const output = node.outputs[0] as string;
  if (node.operator === "Conv") {
    layers.push(readConvolution(node, weights));
  } else if (node.operator === "Relu") {
    const layer = producer(layers, node.inputs);
    if (layer.rectified || layer.added.length > 0) throw new UnknownNetwork("a ReLU of a sum");
    layer.rectified = true;
    layer.output = output;
  } else if (node.operator === "Add") {
    const layer = producer(layers, node.inputs);
    const other = node.inputs.find((name) => name !== layer.output);
    if (other === undefined || layer.added.length === MOST_ADDED) {
      throw new UnknownNetwork("a sum of too many");
    }
    layer.added.push(other);
    layer.output = output;
  } else {
    throw new UnknownNetwork(`${node.operator} is not known`);
  }
}

/** The latest layer that makes one of these; nobody else may have used it. */
function producer(layers: readonly Convolution[], names: readonly string[]): Convolution {
  const at = layers.findLastIndex(({ output }) => names.includes(output));
  const layer = layers[at];
  if (!layer) throw new UnknownNetwork("something follows no convolution");
  const users = layers.slice(at + 1).flatMap(({ input, added }) => [input, ...added]);
  if (users.includes(layer.output)) throw new UnknownNetwork("something follows two convolutions");
  return layer;
}

function readConvolution(node: Node, weights: ReadonlyMap<string, Tensor>): Convolution {
  const [input, kernel, offset] = node.inputs;
  const tensor = weights.get(kernel ?? "");
  if (input === undefined || !tensor) throw new UnknownNetwork("a convolution without weights");
  const [outputs, depth, side, width] = tensor.shape as [number, number, number, number];
  const groups = number(node, "group");
  const bias = weights.get(offset ?? "");
  const same = [side >> 1, side >> 1, side >> 1, side >> 1];
  const isKnown =
    SIDES.includes(side) &&
    width === side &&
    outputs % groups === 0 &&
    sameNumbers(node, "pads", same) &&
    sameNumbers(node, "strides", [1, 1]) &&
    sameNumbers(node, "dilations", [1, 1]);
  if (!isKnown) throw new UnknownNetwork(`a convolution of another kind: ${tensor.name}`);
  return {
    input,
    weights: floatsOf(tensor),
    bias: bias ? floatsOf(bias) : new Float32Array(outputs),
    side,
    groups,
    depth,
    outputs,
    rectified: false,
    added: [],
    output: node.outputs[0] as string,
  };
}

function scaleOf(node: Node | undefined): number {
  if (node?.operator !== "DepthToSpace" || node.attributes.get("mode") !== "CRD") {
    throw new UnknownNetwork("the network does not end in an image");
  }
  return number(node, "blocksize");
}

function number(node: Node, name: string): number {
  return Number(node.attributes.get(name) ?? 1);
}

/** Whether an attribute of a convolution is this; one that is left out is ONNX's default. */
function sameNumbers(node: Node, name: string, expected: readonly number[]): boolean {
  const found = node.attributes.get(name) ?? (name === "pads" ? [0, 0, 0, 0] : [1, 1]);
  return Array.isArray(found) && found.join() === expected.join();
}
