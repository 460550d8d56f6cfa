/** What the engine runs networks by. */

import type { Levels, Picture } from "../imaging/levels";
import type { Rect } from "../tiles/tiles";
import { UnknownNetwork } from "./cpu/network";
import { startCpu } from "./cpu/runtime";

export type Backend = "webgpu" | "wasm";

export interface Runtime {
  readonly backend: Backend;
  /** Addresses of files of its own that it has fetched. */
  readonly files: readonly string[];
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
 * @param threads for the kernels of our own
 * @param base where the files of ONNX Runtime lie
 */
export async function startRuntime(
  backend: Backend,
  threads: number,
  base: string,
): Promise<Runtime> {
  const general = async (): Promise<Runtime> => {
    const { startOnnxRuntime } = await import("./onnx-runtime");
    return startOnnxRuntime(backend, base);
  };
  return backend === "wasm" ? withKernels(await startCpu(threads), general) : general();
}

/** Networks that the kernels do not know go to the general runtime, which is started for the first. */
function withKernels(kernels: Runtime, startGeneral: () => Promise<Runtime>): Runtime {
  let general: Promise<Runtime> | undefined;
  let files = kernels.files;
  const open = async (model: Uint8Array): Promise<Session> => {
    try {
      return await kernels.open(model);
    } catch (error) {
      if (!(error instanceof UnknownNetwork)) throw error;
      general ??= startGeneral();
      const runtime = await general;
      files = runtime.files;
      return runtime.open(model);
    }
  };
  return {
    backend: kernels.backend,
    get files() {
      return files;
    },
    open,
  };
}
