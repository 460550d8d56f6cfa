/**
 * The engine: runs the networks, away from the page.
 *
 * It knows nothing of photos and views. A call gives it a window of a photo and says which part of
 * the result is wanted.
 */

import { AppError, describeError } from "../errors";
import type { Rect } from "../tiles";
import { decodeExactly, takePixels, toBitmap } from "./canvas";
import { serve } from "./serve";
import { type Backend, type Runtime, type Session, startRuntime } from "./session";
import { sha256Hex } from "./sha256";
import { fromNchw, halve, largestDifference, toNchw } from "./tensor";

export interface Pixels {
  readonly rgba: Uint8ClampedArray<ArrayBuffer>;
  readonly width: number;
  readonly height: number;
}

export interface RunRequest {
  readonly model: string;
  readonly scale: number;
  /** The photo around what is wanted: context for the network. */
  readonly window: ImageBitmap;
  /** What is wanted, in LR pixels from the window's corner. */
  readonly core: Rect;
}

export interface LoadRequest {
  readonly model: string;
  readonly url: string;
  readonly sha256: string;
}

/** Sessions that stay loaded: the one in use and the one before, to go back to. */
const SESSIONS = 2;

let runtime: Runtime | undefined;
const sessions = new Map<string, Session>();

const methods = {
  async start(request: { backend: Backend; threads: number; base: string }): Promise<void> {
    runtime = await startRuntime(request.backend, request.threads, request.base);
  },

  /** Fetches a model, verifies it and makes it ready to run. */
  async load({ model, url, sha256 }: LoadRequest): Promise<void> {
    const loaded = sessions.get(model);
    if (loaded) {
      sessions.delete(model); // to the end: the last to go
      sessions.set(model, loaded);
      return;
    }
    const bytes = await fetchVerified(url, sha256, model);
    if (!runtime) throw new Error("load before start");
    sessions.set(model, await runtime.open(bytes));
    for (const name of [...sessions.keys()].slice(0, -SESSIONS)) {
      await sessions.get(name)?.release();
      sessions.delete(name);
    }
  },

  /** The largest difference, in levels, from what the Python runtime makes of a small picture. */
  async check(request: { model: string; scale: number; lr: string; sr: string }): Promise<number> {
    const [lr, expected] = await Promise.all([fetchPixels(request.lr), fetchPixels(request.sr)]);
    const core = { x: 0, y: 0, width: lr.width, height: lr.height };
    const found = await enlarge(request.model, request.scale, lr, core);
    return largestDifference(found.rgba, expected.data);
  },

  /** Milliseconds that a square of `side` LR pixels takes, the faster of two runs. */
  async measure({ model, side }: { model: string; side: number }): Promise<number> {
    const lr = Float32Array.from({ length: 3 * side * side }, (_, at) => (at % 256) / 255);
    const times: number[] = [];
    for (let round = 0; round < 2; round++) {
      const start = performance.now();
      await session(model).run(lr, side, side);
      times.push(performance.now() - start);
    }
    return Math.min(...times);
  },

  /** A part of the photo, enlarged, to draw; at half its size with `half`. */
  async draw(request: RunRequest & { half: boolean }): Promise<ImageBitmap> {
    const { model, scale, window, core, half } = request;
    const { rgba, width, height } = await enlarge(model, scale, takePixels(window), core);
    if (!half) return toBitmap(rgba, width, height);
    return toBitmap(halve(rgba, width), width / 2, height / 2);
  },

  /** A part of the photo, enlarged, as pixels. */
  async pixels({ model, scale, window, core }: RunRequest): Promise<Pixels> {
    return enlarge(model, scale, takePixels(window), core);
  },
};

export type EngineApi = typeof methods;

serve(methods);

async function enlarge(
  model: string,
  scale: number,
  { data, width, height }: ImageData,
  core: Rect,
): Promise<Pixels> {
  const sr = await session(model).run(toNchw(data), height, width);
  const crop = {
    x: core.x * scale,
    y: core.y * scale,
    width: core.width * scale,
    height: core.height * scale,
  };
  return { rgba: fromNchw(sr, width * scale, crop), width: crop.width, height: crop.height };
}

function session(model: string): Session {
  const found = sessions.get(model);
  if (!found) throw new Error(`${model} is not loaded`);
  return found;
}

async function fetchVerified(url: string, sha256: string, model: string): Promise<Uint8Array> {
  const bytes = await fetchBytes(url, model);
  if ((await sha256Hex(bytes)) !== sha256) throw new AppError("errorModelDamaged", { model });
  return bytes;
}

async function fetchBytes(url: string, model: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    throw new AppError("errorModelMissing", { model, reason: describeError(error) });
  }
}

async function fetchPixels(url: string): Promise<ImageData> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return decodeExactly(await response.blob());
}
