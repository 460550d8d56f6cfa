/** The page's side of the engine: which backend computes, and which model is loaded. */

import { AppError, describeError, type Params } from "../errors";
import type { MessageKey } from "../i18n/messages";
import type { Picture } from "../imaging/levels";
import { Bridge } from "./bridge";
import { type Model, type ModelFile, modelUrl } from "./catalogue";
import type { EngineApi, RunRequest, Source, Weights } from "./engine.worker";
import type { Network } from "./restore";
import type { Backend } from "./session";

/** Why a backend is not the one that one would wish for. */
export interface Reason {
  readonly key: MessageKey;
  readonly params: Params;
}

/** Results may differ from the Python runtime's by this many levels of 255, not by more. */
const TOLERANCE = 1;
/** A square of this side is timed to tell a model's speed, so many times. */
const MEASURED_SIDE = 96;
const MEASURED_RUNS = 3;
/** More threads than this do not help tiles of this size, and phones have few fast cores. */
const MOST_THREADS = 4;
/** A graphics driver that has not answered by then is left alone. */
const START_MS = 20_000;

/** Threads for a machine: one core is left for the page where there are more than two. */
export function chooseThreads(cores: number, isolated: boolean): number {
  if (!isolated) return 1;
  return Math.max(1, Math.min(MOST_THREADS, cores > 2 ? cores - 1 : cores));
}

export interface Work extends Pick<RunRequest, "window" | "core" | "space"> {
  readonly network: Network;
  readonly signal: AbortSignal;
}

/** An engine that has started. */
export class Engine {
  /** Models that compute rightly here. */
  private readonly checked = new Set<string>();
  private readonly speeds = new Map<string, number>();
  /** What whole photos took, which is more than a square that runs alone. */
  private readonly corrected = new Map<string, number>();
  private last: Promise<void> = Promise.resolve();
  /** Addresses of what its runtime has fetched, which it needs without a network too. */
  files: readonly string[] = [];
  /** The model that was timed last, and its milliseconds for one LR pixel. */
  private timed: readonly [Model, number] | null = null;

  private constructor(
    private bridge: Bridge<EngineApi>,
    public backend: Backend,
    public threads: number,
    public reason: Reason | null,
  ) {}

  /**
   * Starts on WebGPU if that gives the right answer, otherwise on WebAssembly, with a model ready.
   *
   * @param model which one; the engine starts while that is being found out
   * @param wished a backend to insist on, for trials
   * @throws AppError the model is damaged or missing, or no backend works
   */
  static async start(model: Promise<Model>, wished: string | null): Promise<Engine> {
    model.catch(() => {}); // told when it is needed
    const reason = await webgpuReason(wished);
    if (reason) return Engine.startWasm(model, reason);
    const engine = new Engine(spawn(), "webgpu", 1, null);
    const failed = await engine.tryOut(model);
    if (!failed) return engine;
    engine.bridge.terminate();
    return Engine.startWasm(model, failed);
  }

  private static async startWasm(model: Promise<Model>, reason: Reason): Promise<Engine> {
    const threads = chooseThreads(navigator.hardwareConcurrency, crossOriginIsolated);
    const engine = new Engine(spawn(), "wasm", threads, reason);
    await engine.begin();
    await engine.use({ model: await model, strength: 0 });
    return engine;
  }

  /**
   * Makes a network ready: fetched, verified, mixed, loaded, its model checked against the golden
   * picture.
   *
   * @throws AppError it is missing or damaged, or computes wrongly here
   */
  use(network: Network): Promise<void> {
    // One after another: the worker keeps few, and none is to go while another is checked.
    const ready = this.last.then(() => this.prepare(network));
    this.last = ready.catch(() => {});
    return ready;
  }

  /** Finds out how fast a model is that is ready: the median of short runs, between others' work. */
  async measure(model: Model): Promise<void> {
    if (this.speeds.has(model.name)) return;
    const request = { weights: weightsOf({ model, strength: 0 }), side: MEASURED_SIDE };
    const times: number[] = [];
    while (times.length < MEASURED_RUNS) times.push(await this.bridge.call("measure", request));
    const median = times.sort((a, b) => a - b)[MEASURED_RUNS >> 1] as number;
    this.speeds.set(model.name, median / MEASURED_SIDE ** 2);
    this.timed = [model, median / MEASURED_SIDE ** 2];
  }

  /** Milliseconds for one LR pixel, or undefined before the model was measured. */
  msPerPixel(model: Model): number | undefined {
    return this.speeds.get(model.name);
  }

  /** What one LR pixel takes in a whole photo, by what is known of this model, or of another; or 0. */
  expectedMsPerPixel(model: Model): number {
    const known = this.corrected.get(model.name) ?? this.speeds.get(model.name);
    if (known !== undefined) return known;
    if (!this.timed) return 0;
    const [other, speed] = this.timed;
    return (speed * workPerPixel(model)) / workPerPixel(other);
  }

  /** Learns from a job what an LR pixel really takes. */
  learn(model: Model, msPerPixel: number): void {
    this.corrected.set(model.name, msPerPixel);
  }

  /** A part of the photo, enlarged, to draw. */
  draw(work: Work & { window: ImageBitmap }, half: boolean): Promise<ImageBitmap> {
    const request = { ...requestOf(work), window: work.window, half };
    return this.bridge.call("draw", request, { signal: work.signal, transfer: [work.window] });
  }

  /** A part of the photo, enlarged, as pixels, and with `alpha` as transparent as it is. */
  pixels(work: Work, alpha: boolean): Promise<Picture> {
    const { signal, window } = work;
    const transfer = [window instanceof ImageBitmap ? window : window.data.buffer];
    return this.bridge.call("pixels", { ...requestOf(work), alpha }, { signal, transfer });
  }

  private begin(): Promise<void> {
    const base = new URL("ort/", document.baseURI).href;
    return this.bridge.call("start", { backend: this.backend, threads: this.threads, base });
  }

  /** Starts on a backend that may fail in any way; returns how it did. */
  private async tryOut(model: Promise<Model>): Promise<Reason | null> {
    try {
      const signal = AbortSignal.timeout(START_MS);
      const started = this.begin().then(async () => this.use({ model: await model, strength: 0 }));
      await Promise.race([started, aborted(signal)]);
      return null;
    } catch (error) {
      if (error instanceof AppError) {
        if (error.key !== "errorWrongResult") throw error; // no backend can help a damaged model
        return { key: "reasonWrong", params: error.params };
      }
      return { key: "reasonFailed", params: { reason: describeError(error) } };
    }
  }

  private async prepare(network: Network): Promise<void> {
    if (!this.checked.has(network.model.name)) await this.check(network.model);
    this.files = await this.bridge.call("load", weightsOf(network));
  }

  private async check(model: Model): Promise<void> {
    const { name, scale, golden } = model;
    const weights = weightsOf({ model, strength: 0 });
    const [lr, sr] = [modelUrl(golden.lr), modelUrl(golden.sr)];
    const levels = await this.bridge.call("check", { weights, scale, lr, sr });
    if (levels > TOLERANCE) throw new AppError("errorWrongResult", { model: name, levels });
    this.checked.add(name);
  }
}

/** How much a model computes for one LR pixel; only the ratio of two of them means something. */
function workPerPixel({ multi_adds_720p, scale }: Model): number {
  return multi_adds_720p * scale ** 2;
}

function requestOf({ network, window, core, space }: Work): RunRequest {
  return { weights: weightsOf(network), scale: network.model.scale, window, core, space };
}

function weightsOf({ model, strength }: Network): Weights {
  return {
    model: sourceOf(model),
    twin: strength > 0 && model.twin ? sourceOf(model.twin) : null,
    strength,
  };
}

function sourceOf({ name, file, sha256 }: ModelFile): Source {
  return { name, url: modelUrl(file), sha256 };
}

/** Why WebGPU is not tried, or null if it is. */
async function webgpuReason(wished: string | null): Promise<Reason | null> {
  if (wished === "wasm") return { key: "reasonChosen", params: {} };
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
  if (!adapter) return { key: "reasonNoWebgpu", params: {} };
  // An adapter in software is slower than WebAssembly.
  if (adapter.info.isFallbackAdapter && wished !== "webgpu") {
    return { key: "reasonSoftware", params: {} };
  }
  return null;
}

function spawn(): Bridge<EngineApi> {
  // The bundler knows a worker by exactly this form.
  const worker = new Worker(new URL("./engine.worker.ts", import.meta.url), {
    type: "module",
    name: "engine",
  });
  return new Bridge<EngineApi>(worker);
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(new Error("no answer in time")), { once: true });
  });
}
