/** Networks on the processor, by kernels of our own. */

import { type Levels, mostOf } from "../../imaging/levels";
import { times } from "../../tiles/rects";
import type { Rect } from "../../tiles/tiles";
import type { Runtime, Session } from "../session";
import { fromNchw, toNchw } from "../tensor";
import { instantiate, type Kernels } from "./execute";
import { buildKernels, PAINTED, type PaintRow } from "./kernels";
import { type Network, readNetwork } from "./network";
import { COUNTERS, type PackedWeights, type Plan, packWeights, planNetwork } from "./plan";
import { Threads } from "./threads";

const PAGE = 64 * 1024;
/** Memory that threads share has to say its most in advance: 1 GiB, of which only what is used counts. */
const MOST_PAGES = 16384;

/**
 * Compiles the kernels and starts the threads.
 *
 * @param threads all of them, this one included; more than one only where a page may share memory
 */
export async function startCpu(threads: number): Promise<Runtime> {
  const shared = threads > 1 ? shareMemory() : undefined;
  const sharedPages = shared ? MOST_PAGES : 0;
  const memory = shared ?? new WebAssembly.Memory({ initial: 1 });
  const fused = buildKernels(true, sharedPages);
  const bytes = WebAssembly.validate(fused) ? fused : buildKernels(false, sharedPages);
  const module = await WebAssembly.compile(bytes);
  const machine = new Machine(
    memory,
    await instantiate(module, memory),
    new Threads(shared ? threads - 1 : 0, module, memory),
  );
  return { backend: "wasm", files: [], open: async (model) => machine.open(readNetwork(model)) };
}

/** Memory for threads, unless the device has too few addresses for its most. */
function shareMemory(): WebAssembly.Memory | undefined {
  try {
    return new WebAssembly.Memory({ initial: 1, maximum: MOST_PAGES, shared: true });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** A memory, and what computes in it: one network at a time. */
class Machine {
  /** What memory is laid out for: its weights are there, and its borders are zeros. */
  private laid: Plan | undefined;

  constructor(
    private readonly memory: WebAssembly.Memory,
    private readonly kernels: Kernels,
    private readonly threads: Threads,
  ) {}

  open(network: Network): Session {
    const weights = packWeights(network);
    let plan: Plan | undefined;
    return {
      enlarge: async (picture, core) => {
        const { width, height } = picture;
        if (plan?.height !== height || plan.width !== width) {
          plan = planNetwork(network, weights, height, width, this.threads.count);
        }
        this.layOut(plan, weights);
        this.write(plan, picture.data);
        this.threads.run(plan, this.kernels);
        return this.read(plan, network.scale, core, picture.data);
      },
      release: async () => {},
    };
  }

  private layOut(plan: Plan, weights: PackedWeights): void {
    if (this.laid === plan) return;
    const missing = plan.bytes - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / PAGE));
    const values = new Float32Array(this.memory.buffer);
    values.set(weights.values, COUNTERS / 4);
    values.fill(0, plan.planes / 4, plan.bytes / 4);
    this.laid = plan;
  }

  private write({ input, plane, row, height, width }: Plan, rgba: Levels): void {
    const values = new Float32Array(this.memory.buffer);
    const lr = toNchw(rgba);
    for (let channel = 0; channel < 3; channel++) {
      for (let y = 0; y < height; y++) {
        const from = (channel * height + y) * width;
        values.set(lr.subarray(from, from + width), (input + channel * plane + y * row) / 4);
      }
    }
  }

  /** A rectangle of the image, given in LR pixels. */
  private read<Kind extends Levels>(plan: Plan, scale: number, core: Rect, kind: Kind): Kind {
    if (mostOf(kind) > 255) {
      return fromNchw(this.readImage(plan, scale), plan.width * scale, times(core, scale), kind);
    }
    const { plane, pixels } = plan;
    const { x, y, width, height } = times(core, scale);
    const paint = this.kernels[`paint${scale}`] as PaintRow;
    const painted = new Uint8ClampedArray(this.memory.buffer, pixels + 4 * x, 4 * width);
    const rgba = new Uint8ClampedArray(4 * width * height);
    for (let down = 0; down < height; down++) {
      paint(subPixels(plan, scale, 0, y + down), pixels, Math.ceil(plan.width / PAINTED), plane);
      rgba.set(painted, down * 4 * width);
    }
    return rgba as Kind;
  }

  /** The image as floats, channel by channel. */
  private readImage(plan: Plan, scale: number): Float32Array {
    const { plane, height, width } = plan;
    const values = new Float32Array(this.memory.buffer);
    const image = new Float32Array(3 * height * width * scale ** 2);
    let to = 0;
    for (let channel = 0; channel < 3; channel++) {
      for (let y = 0; y < height * scale; y++) {
        const from = subPixels(plan, scale, channel, y) / 4;
        for (let x = 0; x < width; x++) {
          for (let dx = 0; dx < scale; dx++) {
            image[to++] = values[from + (dx * plane) / 4 + x] as number;
          }
        }
      }
    }
    return image;
  }
}

/** Where a row of the image begins: every `scale`-th of its pixels; the others are a plane further each. */
function subPixels(
  { output, plane, row }: Plan,
  scale: number,
  channel: number,
  y: number,
): number {
  const first = (channel * scale + (y % scale)) * scale;
  return output + first * plane + Math.floor(y / scale) * row;
}
