/** Networks by ONNX Runtime Web: on the graphics card, or of kinds that the kernels do not know. */

import * as ort from "onnxruntime-web/webgpu";
import type { Levels, Picture } from "../imaging/levels";
import { times } from "../tiles/rects";
import type { Rect } from "../tiles/tiles";
import type { Backend, Runtime, Session } from "./session";
import { fromNchw, toNchw } from "./tensor";

const FILE = "ort-wasm-simd-threaded.asyncify";

/** An ONNX model that gives back what it gets. */
const IDENTITY =
  "CApCAhASOjcKEAoBeBIBeSIISWRlbnRpdHkSAWdaDwoBeBIKCggIARIECgIIAWIPCgF5EgoKCAgBEgQKAggB";

/**
 * Starts ONNX Runtime. A worker has one for its life: the WebAssembly module cannot be exchanged.
 *
 * The first model to be opened starts it: one that is at hand, while the networks are still on their
 * way.
 *
 * @param base where the runtime's files lie
 */
export function startOnnxRuntime(backend: Backend, base: string): Runtime {
  const paths = { mjs: `${base}${FILE}.mjs`, wasm: `${base}${FILE}.wasm` };
  ort.env.wasm.wasmPaths = paths;
  ort.env.wasm.numThreads = 1; // more of them spin while they wait, and take a core from the page
  ort.env.logLevel = "error";
  const identity = Uint8Array.from(atob(IDENTITY), (letter) => letter.charCodeAt(0));
  const started = openSession(backend, identity).then((session) => session.release());
  started.catch(() => {}); // told by the first network that is opened
  return {
    backend,
    files: Object.values(paths),
    open: (model) => started.then(() => openSession(backend, model)),
  };
}

async function openSession(backend: Backend, model: Uint8Array): Promise<Session> {
  const session = await ort.InferenceSession.create(model, {
    executionProviders: [backend],
    graphOptimizationLevel: "all",
    enableMemPattern: false, // a pattern is one more block of memory, and saves no time
  });
  return {
    enlarge: (picture, core) => enlarge(session, picture, core),
    release: () => session.release(),
  };
}

async function enlarge<Kind extends Levels>(
  session: ort.InferenceSession,
  { data, width, height }: Picture<Kind>,
  core: Rect,
): Promise<Kind> {
  const lr = new ort.Tensor("float32", toNchw(data), [1, 3, height, width]);
  const { sr } = await session.run({ lr });
  const [, , , wide] = sr?.dims ?? [];
  if (!sr || wide === undefined) throw new Error("the model has no output sr");
  const values = (await sr.getData()) as Float32Array;
  return fromNchw(values, wide, times(core, wide / width), data);
}
