/**
 * The engine: runs the networks, away from the page.
 *
 * It knows nothing of photos and views. A call gives it a window of a photo and says which part of
 * the result is wanted.
 */

import { AppError, describeError } from "../errors";
import { enlargeBicubic } from "../imaging/bicubic";
import { decodeExactly, takePixels, toBitmap } from "../imaging/canvas";
import { cut, fillTransparent, type Levels, type Picture } from "../imaging/levels";
import { times, wholeOf } from "../tiles/rects";
import type { Rect } from "../tiles/tiles";
import { mixWeights } from "./mixing";
import { serve } from "./serve";
import { type Backend, type Runtime, type Session, startRuntime } from "./session";
import { sha256Hex } from "./sha256";
import { halve, largestDifference } from "./tensor";

/** A file with weights, and how it is known to be whole. */
export interface Source {
  readonly name: string;
  readonly url: string;
  readonly sha256: string;
}

/** A model's weights, and the share of its twin that is mixed into them. */
export interface Weights {
  readonly model: Source;
  readonly twin: Source | null;
  readonly strength: number;
}

/** A part of a photo: as the browser has it, or of 16 bits. */
export type Window = ImageBitmap | Picture<Uint16Array<ArrayBuffer>>;

export interface RunRequest {
  readonly weights: Weights;
  readonly scale: number;
  /** The photo around what is wanted: context for the network. */
  readonly window: Window;
  /** The colours that the photo is worked on in. */
  readonly space: PredefinedColorSpace;
  /** What is wanted, in LR pixels from the window's corner. */
  readonly core: Rect;
}

export interface PixelsRequest extends RunRequest {
  /** Whether it is transparent in parts, and is to stay so; otherwise alpha counts for nothing. */
  readonly alpha: boolean;
}

/** Sessions that stay loaded: the one in use and the one before, to go back to. */
const SESSIONS = 2;

let runtime: Runtime | undefined;
const sessions = new Map<string, Session>();

const methods = {
  async start(request: { backend: Backend; threads: number; base: string }): Promise<void> {
    runtime = await startRuntime(request.backend, request.threads, request.base);
  },

  /**
   * Makes weights ready to run; what runs them does so too if they were let go of.
   *
   * @returns addresses of what the runtime has fetched
   */
  async load(weights: Weights): Promise<readonly string[]> {
    await sessionOf(weights);
    return runtime?.files ?? [];
  },

  /** The largest difference, in levels, from what the Python runtime makes of a small picture. */
  async check(request: {
    weights: Weights;
    scale: number;
    lr: string;
    sr: string;
  }): Promise<number> {
    const { name } = request.weights.model;
    const [lr, expected] = await Promise.all([
      fetchPixels(request.lr, name),
      fetchPixels(request.sr, name),
      sessionOf(request.weights),
    ]);
    const found = await enlarge(request.weights, request.scale, lr, wholeOf(lr));
    return largestDifference(found.data, expected.data);
  },

  /** Milliseconds that a square of `side` LR pixels takes. */
  async measure({ weights, side }: { weights: Weights; side: number }): Promise<number> {
    const session = await sessionOf(weights);
    const data = Uint8ClampedArray.from({ length: 4 * side * side }, (_, at) => at % 256);
    const square = { data, width: side, height: side };
    const start = performance.now();
    await session.enlarge(square, wholeOf(square));
    return performance.now() - start;
  },

  /** A part of the photo, enlarged, to draw; at half its size with `half`. */
  async draw(request: RunRequest & { window: ImageBitmap; half: boolean }): Promise<ImageBitmap> {
    const { weights, scale, window, space, core, half } = request;
    const { data, width, height } = await enlarge(weights, scale, takePixels(window, space), core);
    if (!half) return toBitmap(data, width, height, space);
    return toBitmap(halve(data, width), width / 2, height / 2, space);
  },

  /** A part of the photo, enlarged, as pixels; its transparency by bicubic, if it has any. */
  async pixels({ weights, scale, window, space, core, alpha }: PixelsRequest): Promise<Picture> {
    const picture: Picture = window instanceof ImageBitmap ? takePixels(window, space) : window;
    if (!alpha) return enlarge(weights, scale, picture, core);
    const over = enlargeAlpha(picture, scale, core);
    fillTransparent(picture);
    const enlarged = await enlarge(weights, scale, picture, core);
    for (let at = 0; at < over.length; at++) enlarged.data[4 * at + 3] = over[at] as number;
    return enlarged;
  },
};

export type EngineApi = typeof methods;

serve(methods);

async function enlarge<Kind extends Levels>(
  weights: Weights,
  scale: number,
  picture: Picture<Kind>,
  core: Rect,
): Promise<Picture<Kind>> {
  const session = await sessionOf(weights);
  const { width, height } = times(core, scale);
  return { data: await session.enlarge(picture, core), width, height };
}

function enlargeAlpha(picture: Picture, scale: number, core: Rect): Levels {
  const alpha = picture.data.filter((_, at) => at % 4 === 3);
  const enlarged = enlargeBicubic(alpha as Levels, picture, scale, 1);
  return cut(enlarged, picture.width * scale, times(core, scale), 1);
}

/** The session of weights, which counts as used now; what is used longest ago goes. */
async function sessionOf(weights: Weights): Promise<Session> {
  const key = `${weights.model.name}@${weights.strength}`;
  const session = sessions.get(key) ?? (await openSession(weights));
  sessions.delete(key);
  sessions.set(key, session);
  for (const [oldest, value] of [...sessions].slice(0, -SESSIONS)) {
    await value.release();
    sessions.delete(oldest);
  }
  return session;
}

async function openSession({ model, twin, strength }: Weights): Promise<Session> {
  if (!runtime) throw new Error("load before start");
  const clean = await fetchVerified(model);
  return runtime.open(twin ? mixWeights(clean, await fetchVerified(twin), strength) : clean);
}

/** The bytes of a file; what a cache has of it gives way if it is not whole, or not of this version. */
async function fetchVerified({ name, url, sha256 }: Source): Promise<Uint8Array> {
  for (const cache of ["default", "reload"] as const) {
    const bytes = await fetchBytes(url, name, cache);
    if ((await sha256Hex(bytes)) === sha256) return bytes;
  }
  throw new AppError("errorModelDamaged", { model: name });
}

async function fetchBytes(
  url: string,
  model: string,
  cache: RequestCache,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const response = await fetch(url, { cache });
    if (!response.ok) throw new Error(`${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    throw new AppError("errorModelMissing", { model, reason: describeError(error) });
  }
}

async function fetchPixels(url: string, model: string): Promise<ImageData> {
  return decodeExactly(new Blob([await fetchBytes(url, model, "default")]));
}
