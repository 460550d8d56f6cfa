/** What the engine runs networks by. */

import type { Levels, Picture } from "../imaging/levels";
import type { Rect } from "../tiles/tiles";
import { startCpu } from "./cpu/runtime";

export type Backend = "webgpu" | "wasm";

export interface Runtime {
  readonly backend: Backend;
  open(model: Uint8Array): Promise<Session>;
}

export interface Session {
  /**
   * Enlarges a picture, and cuts out what is wanted.
   *
   * @param core in the picture's pixels
   * @returns (scale * core.height, scale * core.width, 4), opaque
   */
  enlarge<Kind extends Levels>(picture: Picture<Kind>, core: Rect): Promise<Kind>;
  release(): Promise<void>;
}

/**
 * Starts a backend. A worker has one for its life.
 *
 * @param threads for WebAssembly
 * @param base where the files of ONNX Runtime lie, for WebGPU
 */
export async function startRuntime(
  backend: Backend,
  threads: number,
  base: string,
): Promise<Runtime> {
  if (backend === "wasm") return startCpu(threads);
  const { startWebgpu } = await import("./webgpu");
  return startWebgpu(base);
}
