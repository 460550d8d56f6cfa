/** ONNX Runtime Web, as the engine uses it. */

import type * as Ort from "onnxruntime-web";

export type Backend = "webgpu" | "wasm";

export interface Runtime {
  readonly backend: Backend;
  open(model: Uint8Array): Promise<Session>;
}

export interface Session {
  /** From (1, 3, height, width) in [0, 1] to (1, 3, scale * height, scale * width), not clamped. */
  run(lr: Float32Array, height: number, width: number): Promise<Float32Array>;
  release(): Promise<void>;
}

/** An ONNX model that gives back what it gets. */
const IDENTITY =
  "CApCAhASOjcKEAoBeBIBeSIISWRlbnRpdHkSAWdaDwoBeBIKCggIARIECgIIAWIPCgF5EgoKCAgBEgQKAggB";

const FILES = {
  webgpu: "ort-wasm-simd-threaded.asyncify",
  wasm: "ort-wasm-simd-threaded",
} as const;

/**
 * Starts ONNX Runtime. A worker has one for its life: the WebAssembly module cannot be exchanged.
 *
 * The first model to be opened starts WebAssembly: one that is at hand, while the networks are still
 * on their way.
 *
 * @param base where the runtime's files lie
 */
export async function startRuntime(
  backend: Backend,
  threads: number,
  base: string,
): Promise<Runtime> {
  const ort: typeof Ort =
    backend === "webgpu"
      ? await import("onnxruntime-web/webgpu")
      : await import("onnxruntime-web/wasm");
  const file = `${base}${FILES[backend]}`;
  ort.env.wasm.wasmPaths = { mjs: `${file}.mjs`, wasm: `${file}.wasm` };
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = "error";
  const identity = Uint8Array.from(atob(IDENTITY), (letter) => letter.charCodeAt(0));
  const started = openSession(ort, backend, identity).then((session) => session.release());
  started.catch(() => {}); // told by the first network that is opened
  return { backend, open: (model) => started.then(() => openSession(ort, backend, model)) };
}

async function openSession(ort: typeof Ort, backend: Backend, model: Uint8Array): Promise<Session> {
  const session = await ort.InferenceSession.create(model, {
    executionProviders: [backend],
    graphOptimizationLevel: "all",
    enableMemPattern: false, // a pattern is one more block of memory, and saves no time
  });
  return {
    run: (lr, height, width) => run(ort, session, lr, height, width),
    release: () => session.release(),
  };
}

async function run(
  ort: typeof Ort,
  session: Ort.InferenceSession,
  lr: Float32Array,
  height: number,
  width: number,
): Promise<Float32Array> {
  const input = new ort.Tensor("float32", lr, [1, 3, height, width]);
  const { sr } = await session.run({ lr: input });
  if (!sr) throw new Error("the model has no output sr");
  return (await sr.getData()) as Float32Array;
}
