/** The app: one photo, one network, one view, and a queue. Everything that the controls act on. */

import { type Catalogue, defaultModel, fetchCatalogue, type Model } from "../engine/catalogue";
import { Engine } from "../engine/engine";
import { type Choice, chooseNetwork, type Restore, rememberedRestore } from "../engine/restore";
import { AppError } from "../errors";
import { SMALL_SIDE } from "../imaging/header";
import { recall, remember } from "../preferences";
import type { Rect } from "../tiles/tiles";
import { shownText } from "../ui/losses";
import { announce, hideToast, showError, showInfo, showText } from "../ui/toast";
import { type Against, layersOf } from "../view/layers";
import { patchBytes } from "../view/sharpener";
import { type Phase, Viewer } from "../view/viewer";
import { isOf, Job } from "./job";
import { type Keep, rememberedKeep, rememberKeep } from "./keep";
import { closePhoto, openPhoto, type Photo, spawnPixels } from "./photo";
import { type Plan, planPhoto } from "./plan";
import { Queue } from "./queue";
import { chosenModel, idle, lighterModel, type Wishes } from "./startup";
import { engineState, type State, setEngineState, setState, state } from "./state";
import { timings } from "./timings";
import type { Writing } from "./upscale";

export class App {
  readonly viewer: Viewer;
  readonly pixels = spawnPixels();
  catalogue: Catalogue | null = null;
  engine: Engine | null = null;
  /** Why there is no engine. */
  failure: unknown = null;
  model: Model | null = null;
  /** The model that is being loaded, to take the place of the one before. */
  private coming: Model | null = null;
  restore: Restore = rememberedRestore();
  keep: Keep = rememberedKeep();
  against: Against = recall("against") === "bicubic" ? "bicubic" : "bilinear";
  /** Pixels that the longer side of results is to have; null for the model's scale. */
  side: number | null = Number(recall("side")) || null;
  /** What of the photo is to be enlarged, if not all: what was in view when somebody moved it last. */
  part: Rect | null = null;
  readonly job = new Job(() => this.changed());
  readonly queue = new Queue(() => this.changed());
  phase: Phase = "view";
  /** Whether somebody chose the model, and not the app. */
  private isChosen = false;
  private readonly listeners = new Set<() => void>();
  /** Twins that could not be loaded: their models go on without them. */
  private readonly missing = new Set<string>();
  private opening = new AbortController();
  /** The result stands until the view is moved on. */
  private isDone = false;
  private openedAt: number | null = null;
  private restedAt = 0;

  constructor(canvas: HTMLCanvasElement) {
    this.viewer = new Viewer(canvas, patchBytes(navigator.deviceMemory), {
      onView: (isMoved) => this.moved(isMoved),
      onPhase: (phase) => this.enter(phase),
      onError: (error) => this.complain(error),
    });
  }

  /** The model that is wanted: the one that is coming, or else the one that is used. */
  get wantedModel(): Model | null {
    return this.coming ?? this.model;
  }

  /** What the photo is sharpened with: the model, and how much of its twin. */
  get network(): Choice | null {
    return this.model && this.networkFor(this.model, this.viewer.photo);
  }

  /** Whether something is being enlarged: the engine keeps the network that is at work. */
  get isBusy(): boolean {
    return this.job.running || this.queue.isRunning;
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

  /** Starts the engine with the model that the address or the user chose, or with the default. */
  async start(wishes: Wishes): Promise<void> {
    try {
      this.engine = await Engine.start(this.firstModel(wishes), wishes.backend);
      timings.engineReadyMs = performance.now();
      this.ready();
    } catch (error) {
      this.fail(error);
    }
  }

  /** Opens a picture file and shows it. What is open stays so if that fails or is thought better of. */
  async open(file: Blob, name: string): Promise<void> {
    const begun = performance.now();
    this.opening.abort(new DOMException("another photo was opened", "AbortError"));
    this.opening = new AbortController();
    const { signal } = this.opening;
    hideToast(); // what it says is of before
    setState("loading");
    try {
      const photo = await openPhoto(this.pixels, file, name, signal);
      if (!signal.aborted) setState(this.standing);
      if (signal.aborted || !(await this.job.mayGo()) || signal.aborted) return closePhoto(photo);
      this.openedAt = begun;
      this.show(photo);
    } catch (error) {
      if (signal.aborted) return;
      setState(this.standing);
      showError(error);
    }
  }

  /** Closes the photo: back to the start, unless its owner wants to keep what would be lost. */
  async close(): Promise<void> {
    if (!(await this.job.mayGo())) return;
    this.opening.abort(new DOMException("the photo was closed", "AbortError"));
    this.job.discard();
    this.viewer.show(null);
    setState("empty");
    this.changed();
  }

  /** Ends the job; what was made before stays. */
  cancelJob(): void {
    this.job.cancel();
    this.settleJob();
  }

  /** Forgets the job and its result, if its owner is sure. */
  async discardJob(): Promise<void> {
    if (!(await this.job.mayGo())) return;
    this.job.discard();
    this.isDone = false;
    this.settleJob();
  }

  /** Uses another network, once it is ready; it is the one to start with from now on. */
  async useModel(model: Model): Promise<void> {
    this.isChosen = true;
    await this.changeModel(model);
    if (this.model === model) remember("model", model.name);
  }

  /** Cleans photos up otherwise. */
  restoreBy(restore: Restore): void {
    this.restore = restore;
    remember("restore", restore);
    this.missing.clear(); // another try
    this.refreshLayers();
    this.chose();
  }

  /** Keeps other things that the photo carries. */
  keepAs(keep: Keep): void {
    this.keep = keep;
    rememberKeep(keep);
    this.chose();
  }

  compareWith(against: Against): void {
    this.against = against;
    remember("against", against);
    this.refreshLayers();
    this.changed();
  }

  /** Gives results this many pixels on the longer side; null for the model's scale. */
  aimAt(side: number | null): void {
    this.side = side;
    remember("side", String(side ?? ""));
    if (side) remember("lastSide", String(side));
    this.chose();
  }

  /** Enlarges all of the photo, or what is in view. */
  enlargeInView(isInView: boolean): void {
    this.part = isInView ? this.partInView : null;
    this.chose();
  }

  private get partInView(): Rect | null {
    return this.viewer.isWhole ? null : this.viewer.seen;
  }

  /**
   * What a photo is to become, by default the one that is open; null before all is there.
   *
   * @throws AppError it cannot have the size that is asked for
   */
  plan(photo = this.viewer.photo): Plan | null {
    const { catalogue, model, side } = this;
    if (!catalogue || !model || !photo) return null;
    const part = photo === this.viewer.photo ? this.part : null;
    const networkFor = (found: Model): Choice => this.networkFor(found, photo);
    return planPhoto(catalogue, model, networkFor, photo, { side, part });
  }

  /** Enlarges the photo that is open. */
  async upscale(writing: Writing): Promise<void> {
    const { engine, pixels, job } = this;
    const { photo } = this.viewer;
    const plan = this.plan();
    if (!engine || !plan || !photo || this.isBusy) return;
    hideToast(); // what it says is of the job before
    this.viewer.pause(true);
    this.isDone = false;
    setState("upscaling");
    try {
      await job.run(engine, pixels, photo, { ...plan, ...writing });
      this.isDone = true;
    } catch (error) {
      this.complain(error);
    }
    this.settleJob();
  }

  /** Other choices: what was made before is of the old ones. */
  chose(): void {
    this.isDone = false;
    setState(this.standing);
    this.changed();
  }

  /** Whether there is a result that these choices would make again. */
  hasResult(plan: Plan, writing: Writing): boolean {
    const { result } = this.job;
    return result !== null && isOf(result, { ...plan, ...writing });
  }

  private settleJob(): void {
    if (this.job.running) return; // the next one
    this.viewer.pause(false);
    if (state() !== "loading") setState(this.standing);
    this.changed();
  }

  /** What the app is at when nothing is being opened. */
  private get standing(): State {
    if (this.job.running) return "upscaling";
    if (this.isDone) return "done";
    return this.viewer.photo ? this.phase : "empty";
  }

  private show(photo: Photo): void {
    this.job.discard();
    this.isDone = false;
    this.part = null;
    this.viewer.pause(false);
    this.viewer.show(photo);
    setState("view");
    this.refreshLayers();
    this.changed();
    requestAnimationFrame(() => {
      if (this.openedAt !== null) timings.openToFirstBilinearMs = performance.now() - this.openedAt;
    });
    const { name, width, height } = photo;
    announce("opened", { name, width, height });
    const lost = shownText(photo);
    if (Math.min(width, height) < SMALL_SIDE) showInfo("tinyPhoto", { width, height });
    else if (lost) showText(lost);
  }

  private enter(phase: Phase): void {
    this.phase = phase;
    if (phase === "view") this.restedAt = performance.now();
    if (phase === "sharp") this.noteSharp();
    // While another photo is being decoded, the one before may still be sharpened.
    if (!this.job.running && !this.isDone && state() !== "loading") setState(phase);
    this.changed();
  }

  private moved(isMoved: boolean): void {
    if (isMoved) {
      this.isDone = false;
      this.part = this.part && this.partInView;
    }
    this.changed();
  }

  private noteSharp(): void {
    const now = performance.now();
    timings.restToSharpMs = now - this.restedAt;
    if (this.openedAt !== null) timings.openToSharpMs = now - this.openedAt;
    this.openedAt = null;
    if (!this.isDone) announce("sharpDone");
  }

  private async firstModel(wishes: Wishes): Promise<Model> {
    this.catalogue = await fetchCatalogue();
    const chosen = chosenModel(this.catalogue, wishes);
    this.isChosen = chosen !== null;
    this.model = chosen ?? defaultModel(this.catalogue);
    this.changed();
    return this.model;
  }

  private async changeModel(model: Model): Promise<void> {
    if (!this.engine) return;
    this.coming = model;
    setEngineState("starting");
    try {
      await this.engine.use(this.networkFor(model, this.viewer.photo));
      this.model = model;
      this.chose();
    } catch (error) {
      this.complain(error);
    }
    if (this.coming === model) this.coming = null;
    this.ready();
  }

  private ready(): void {
    setEngineState("ready");
    this.refreshLayers();
    this.changed();
    this.measure().catch((error: unknown) => this.complain(error));
  }

  /** Learns how fast the model is here. If the app chose it and it is too slow, a lighter one comes. */
  private async measure(): Promise<void> {
    const { engine, model, catalogue } = this;
    if (!engine || !model || !catalogue) return;
    await idle();
    await engine.measure(model);
    this.changed();
    const lighter = this.isChosen ? null : lighterModel(engine, model, catalogue);
    if (!lighter || this.wantedModel !== model || this.isBusy) return;
    await this.changeModel(lighter);
    showInfo("slowDevice", { slow: model.scale, fast: lighter.scale });
  }

  private fail(error: unknown): void {
    this.failure =
      error instanceof AppError ? error : new AppError("errorEngine", { reason: String(error) });
    setEngineState("failed");
    showError(this.failure);
    this.changed();
  }

  private networkFor(model: Model, photo: Photo | null): Choice {
    const { catalogue, restore } = this;
    if (!catalogue || !photo || (model.twin && this.missing.has(model.twin.name))) {
      return { model, strength: 0, cleaned: null };
    }
    return chooseNetwork(catalogue, model, restore, photo.degradation);
  }

  private complain(error: unknown): void {
    showError(error);
    this.noteTwin(error);
  }

  /** Where a twin failed, its model goes on without it. */
  noteTwin(error: unknown): void {
    const named = error instanceof AppError ? error.params.model : undefined;
    const twin = this.catalogue?.models.find((model) => model.twin?.name === named)?.twin;
    if (!twin) return;
    this.missing.add(twin.name);
    this.refreshLayers();
    this.changed();
  }

  private refreshLayers(): void {
    const { engine, network, pixels, against } = this;
    const { photo } = this.viewer;
    const ready = engine && network && photo;
    this.viewer.setLayers(ready ? layersOf(engine, pixels, network, photo, against) : null);
  }
}
