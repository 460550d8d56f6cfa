/** The app: one photo, one network, one view. Everything that the controls act on. */

import { type Catalogue, defaultModel, fetchCatalogue, findModel, type Model } from "./catalogue";
import { Engine } from "./engine";
import { AppError } from "./errors";
import { SMALL_SIDE } from "./imaging/header";
import type { OutputFormat } from "./imaging/output";
import { bicubicLayer, networkLayer } from "./layers";
import { closePhoto, openPhoto, type Photo, spawnPixels } from "./photo";
import { recall, remember } from "./preferences";
import { type Choice, chooseNetwork, type Restore, rememberedRestore } from "./restore";
import { patchBytes } from "./sharpener";
import { engineState, type State, setEngineState, setState, state } from "./state";
import { timings } from "./timings";
import { announce, hideToast, showError, showInfo } from "./ui/toast";
import { upscalePhoto } from "./upscale";
import { type Phase, Viewer } from "./viewer";

export type Against = "bilinear" | "bicubic";

/** A device that takes longer than this for a megapixel gets a lighter network to start with. */
const SLOW_S_PER_MEGAPIXEL = 30;

export class App {
  readonly viewer: Viewer;
  readonly pixels = spawnPixels();
  catalogue: Catalogue | null = null;
  engine: Engine | null = null;
  /** Why there is no engine. */
  failure: unknown = null;
  model: Model | null = null;
  restore: Restore = rememberedRestore();
  against: Against = recall("against") === "bicubic" ? "bicubic" : "bilinear";
  result: { readonly blob: Blob; readonly model: Model; readonly format: OutputFormat } | null =
    null;
  phase: Phase = "view";
  private readonly listeners = new Set<() => void>();
  /** Twins that could not be loaded: their models go on without them. */
  private readonly missing = new Set<string>();
  private opening = new AbortController();
  private job: AbortController | null = null;
  /** The result stands until the view is moved on. */
  private isDone = false;
  private openedAt: number | null = null;
  private restedAt = 0;

  constructor(canvas: HTMLCanvasElement) {
    const memory = (navigator as { deviceMemory?: number }).deviceMemory;
    this.viewer = new Viewer(canvas, patchBytes(memory), {
      onView: () => this.moved(),
      onPhase: (phase) => this.enter(phase),
      onError: (error) => this.complain(error),
    });
  }

  /** What the photo is sharpened with: the model, and how much of its twin. */
  get network(): Choice | null {
    return this.model && this.networkFor(this.model);
  }

  /** Calls `listener` now and whenever anything has changed. */
  onChange(listener: () => void): void {
    this.listeners.add(listener);
    listener();
  }

  /** Calls `listener` once, when the host's catalogue is there. */
  onCatalogue(listener: (catalogue: Catalogue) => void): void {
    const tell = (): void => {
      if (!this.catalogue) return;
      this.listeners.delete(tell);
      listener(this.catalogue);
    };
    this.onChange(tell);
  }

  changed(): void {
    for (const listener of this.listeners) listener();
  }

  /** Whether the engine has started and the network is loaded. */
  get isReady(): boolean {
    return engineState() === "ready";
  }

  get upscaling(): boolean {
    return this.job !== null;
  }

  /** Starts the engine with the network that was used last, or the default. */
  async start(wished: string | null): Promise<void> {
    try {
      this.catalogue = await fetchCatalogue();
      const remembered = this.catalogue.models.find(({ name }) => name === recall("model"));
      this.model = remembered ?? defaultModel(this.catalogue);
      this.changed();
      this.engine = await Engine.start(this.model, wished);
      timings.engineReadyMs = performance.now();
      if (!remembered) await this.lighten();
      this.ready();
    } catch (error) {
      this.fail(error);
    }
  }

  /** Opens a picture file and shows it. What is open stays so if that fails. */
  async open(file: Blob, name: string): Promise<void> {
    const begun = performance.now();
    this.opening.abort(new DOMException("another photo was opened", "AbortError"));
    this.opening = new AbortController();
    const { signal } = this.opening;
    hideToast(); // what it says is of before
    setState("loading");
    try {
      const photo = await openPhoto(this.pixels, file, name, signal);
      if (signal.aborted) return closePhoto(photo);
      this.openedAt = begun;
      this.show(photo);
    } catch (error) {
      if (signal.aborted) return;
      setState(this.standing);
      showError(error);
    }
  }

  /** Closes the photo: back to the start. */
  close(): void {
    this.opening.abort(new DOMException("the photo was closed", "AbortError"));
    this.cancelUpscaling();
    this.result = null;
    this.viewer.show(null);
    setState("empty");
    this.changed();
  }

  /** Uses another network, once it is ready. */
  async useModel(model: Model): Promise<void> {
    if (!this.engine) return;
    setEngineState("starting");
    try {
      await this.engine.use(this.networkFor(model));
      this.model = model;
      this.dropResult();
      remember("model", model.name);
    } catch (error) {
      this.complain(error);
    }
    this.ready();
  }

  /** Cleans photos up otherwise. */
  restoreBy(restore: Restore): void {
    this.restore = restore;
    remember("restore", restore);
    this.missing.clear(); // another try
    this.dropResult();
    this.refreshLayers();
    this.changed();
  }

  compareWith(against: Against): void {
    this.against = against;
    remember("against", against);
    this.refreshLayers();
    this.changed();
  }

  /** Enlarges the whole photo; the result is kept until there is another photo or network. */
  async upscale(
    format: OutputFormat,
    quality: number,
    onProgress: (share: number) => void,
  ): Promise<void> {
    const { engine, network, pixels } = this;
    const { photo } = this.viewer;
    if (!engine || !network || !photo) return;
    const job = new AbortController();
    this.cancelUpscaling();
    this.job = job;
    this.result = null;
    this.viewer.pause(true);
    setState("upscaling");
    this.changed();
    const begun = performance.now();
    try {
      const { signal } = job;
      const details = { photo, network, format, quality, signal, onProgress };
      const blob = await upscalePhoto(engine, pixels, details);
      this.result = { blob, model: network.model, format };
      timings.upscaleMs = performance.now() - begun;
    } catch (error) {
      this.complain(error);
    } finally {
      if (this.job === job) this.endJob();
    }
  }

  /** Forgets the result, which is of other choices than those made now. */
  dropResult(): void {
    this.result = null;
    this.isDone = false;
    setState(this.standing);
  }

  cancelUpscaling(): void {
    this.job?.abort(new DOMException("cancelled", "AbortError"));
    if (this.job) this.endJob();
  }

  private endJob(): void {
    this.job = null;
    this.isDone = this.result !== null;
    this.viewer.pause(false);
    if (this.isDone) setState("done");
    this.changed();
  }

  /** What the app is at when nothing is being opened. */
  private get standing(): State {
    if (this.upscaling) return "upscaling";
    if (this.isDone) return "done";
    return this.viewer.photo ? this.phase : "empty";
  }

  private show(photo: Photo): void {
    this.cancelUpscaling();
    this.dropResult();
    this.viewer.show(photo);
    setState("view");
    this.refreshLayers();
    this.changed();
    requestAnimationFrame(() => {
      if (this.openedAt !== null) timings.openToFirstBilinearMs = performance.now() - this.openedAt;
    });
    const { name, width, height, flattened } = photo;
    announce("opened", { name, width, height });
    if (Math.min(width, height) < SMALL_SIDE) showInfo("tinyPhoto", { width, height });
    else if (flattened) showInfo("flattened");
  }

  private enter(phase: Phase): void {
    this.phase = phase;
    if (phase === "view") this.restedAt = performance.now();
    if (phase === "sharp") this.noteSharp();
    // While another photo is being decoded, the one before may still be sharpened.
    if (!this.upscaling && !this.isDone && state() !== "loading") setState(phase);
    this.changed();
  }

  private moved(): void {
    this.isDone = false;
    this.changed();
  }

  private noteSharp(): void {
    const now = performance.now();
    timings.restToSharpMs = now - this.restedAt;
    if (this.openedAt !== null) timings.openToSharpMs = now - this.openedAt;
    this.openedAt = null;
    announce("sharpDone");
  }

  /** Goes to the smallest network of the family if the one chosen is too slow for the device. */
  private async lighten(): Promise<void> {
    const { engine, model, catalogue } = this;
    if (!engine || !model || !catalogue) return;
    const lighter = findModel(catalogue, model.label, 2);
    const seconds = (engine.msPerPixel(model) ?? 0) * 1000;
    if (seconds <= SLOW_S_PER_MEGAPIXEL || !lighter) return;
    await engine.use({ model: lighter, strength: 0 });
    this.model = lighter;
    showInfo("slowDevice", { slow: model.name, fast: lighter.name });
  }

  private ready(): void {
    setEngineState("ready");
    this.refreshLayers();
    this.changed();
  }

  private fail(error: unknown): void {
    this.failure =
      error instanceof AppError ? error : new AppError("errorEngine", { reason: String(error) });
    setEngineState("failed");
    showError(this.failure);
    this.changed();
  }

  private networkFor(model: Model): Choice {
    const { catalogue, restore } = this;
    const { photo } = this.viewer;
    if (!catalogue || !photo || (model.twin && this.missing.has(model.twin.name))) {
      return { model, strength: 0, cleaned: null };
    }
    return chooseNetwork(catalogue, model, restore, photo.degradation);
  }

  /** Says what failed. Where it was a twin, its model goes on without it. */
  private complain(error: unknown): void {
    showError(error);
    const named = error instanceof AppError ? error.params.model : undefined;
    const twin = this.catalogue?.models.find((model) => model.twin?.name === named)?.twin;
    if (!twin) return;
    this.missing.add(twin.name);
    this.refreshLayers();
    this.changed();
  }

  private refreshLayers(): void {
    const { engine, network, against } = this;
    const { photo } = this.viewer;
    if (!engine || !network || !photo) {
      this.viewer.setLayers(null);
      return;
    }
    this.viewer.setLayers({
      sharp: networkLayer(engine, network, photo),
      plain: against === "bicubic" ? bicubicLayer(this.pixels, network.model.scale, photo) : null,
    });
  }
}
