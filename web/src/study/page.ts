/** The study's page: who takes part, pair after pair, and the results. */

import type { App } from "../app/app";
import { openPhoto, type Photo } from "../app/photo";
import { block, byId, download, onClick } from "../dom";
import { findModel, type Model } from "../engine/catalogue";
import { chooseNetwork } from "../engine/restore";
import { AppError } from "../errors";
import { onLanguage, t } from "../i18n";
import { recall, remember } from "../preferences";
import { confirmLoss } from "../ui/dialogs";
import { errorText, hideToast, showError } from "../ui/toast";
import { toCsv } from "./csv";
import { drawBilinear, drawBitmap } from "./draw";
import { ownPictures, type Picture, standardPictures } from "./pictures";
import { type Content, planTrials, preferenceOf, type Trial } from "./plan";
import { freshSeed } from "./random";
import { AnswerStore } from "./store";

const SCALE = 4;
/** Answers by keys; with Shift the arrows say clearly. */
const KEYS: Readonly<Record<string, number>> = {
  ...{ 1: -2, 2: -1, 3: 0, 4: 1, 5: 2 },
  ...{ ArrowLeft: -1, ArrowRight: 1, " ": 0 },
};

export function attachStudy(app: App): void {
  new StudyPage(app);
}

class StudyPage {
  private readonly store = new AnswerStore();
  private readonly participant = byId("study-participant", HTMLInputElement);
  private readonly seed = byId("study-seed", HTMLInputElement);
  private readonly added = byId("study-add", HTMLInputElement);
  private own: Picture[] = [];
  private trials: Trial<Picture>[] = [];
  private position = 0;
  /** Pairs that were judged before. */
  private before = 0;
  private isSeedChosen = false;
  private strength = 0;
  private stage: "intro" | "trial" | "end" = "intro";
  private shownAt = 0;

  constructor(private readonly app: App) {
    this.participant.value = recall("participant") ?? "";
    this.seed.value = recall("seed") || String(freshSeed());
    this.participant.addEventListener("input", () => this.chooseSeed());
    this.seed.addEventListener("input", () => {
      this.isSeedChosen = true;
    });
    this.added.addEventListener("change", () => {
      this.own = ownPictures(this.added.files ?? [], (file) => this.open(file));
      this.show();
    });
    onClick("study-begin", () => this.begin());
    onClick("study-export", () => this.exportCsv());
    onClick("study-reset", () => void this.reset());
    onClick("study-leave", () => this.go("intro"));
    for (const button of this.buttons) {
      button.addEventListener("click", () => this.answer(Number(button.dataset.value)));
    }
    block("study-trial").addEventListener("keydown", (event) => this.press(event));
    app.onChange(() => this.show());
    onLanguage(() => this.show());
  }

  /** Opens a photo as the app opens any: hostile files are refused. */
  private open(file: Blob): Promise<Photo> {
    const name = file instanceof File ? file.name : "";
    return openPhoto(this.app.pixels, file, name, new AbortController().signal);
  }

  private get buttons(): HTMLButtonElement[] {
    return [...document.querySelectorAll<HTMLButtonElement>("[name=preference]")];
  }

  private get pictures(): Picture[] {
    const { catalogue } = this.app;
    const standard = catalogue && standardPictures(catalogue, (file) => this.open(file));
    return [...(standard ?? []), ...this.own];
  }

  private get model(): Model | null {
    const { model, catalogue } = this.app;
    if (!model || !catalogue) return null;
    return findModel(catalogue, model.label, SCALE) ?? model;
  }

  /** Who is there, as the results name them. */
  private get name(): string {
    return this.participant.value.trim();
  }

  /** Gives somebody who goes on the seed of before, and others one of their own, unless one is typed. */
  private chooseSeed(): void {
    if (this.isSeedChosen) return;
    const before = this.store.of(this.name).at(-1)?.seed;
    this.seed.value = String(before ?? freshSeed());
  }

  /** Plans the pairs; those that the participant has judged before are left out. */
  private begin(): void {
    if (!this.name) {
      this.participant.focus();
      showError(new AppError("studyNoParticipant"));
      return;
    }
    hideToast();
    const seed = Number(this.seed.value) >>> 0;
    this.seed.value = String(seed);
    remember("participant", this.name);
    remember("seed", this.seed.value);
    const judged = new Set(this.store.of(this.name).map(({ content, item }) => content + item));
    const planned = planTrials(this.pictures, seed);
    this.trials = planned.filter(({ item }) => !judged.has(item.content + item.name));
    this.before = planned.length - this.trials.length;
    this.position = -1;
    this.go("trial");
    this.next();
  }

  private next(): void {
    const trial = this.trials[++this.position];
    if (trial) this.presentNext(trial);
    else this.go("end");
  }

  private presentNext(trial: Trial<Picture>): void {
    this.show();
    this.present(trial).catch((error: unknown) => {
      this.go("intro");
      showError(error);
    });
  }

  /** Draws a pair; it can be judged when both pictures are there. */
  private async present(trial: Trial<Picture>): Promise<void> {
    const { item, sharpSide } = trial;
    this.enable(false);
    const { engine, failure, catalogue } = this.app;
    const { model } = this;
    if (!engine || !model || !catalogue) {
      const reason = failure ? errorText(failure) : t("engineStarting");
      throw new AppError("studyNeedsEngine", { reason });
    }
    const { bitmap, degradation, space } = await item.load();
    // By itself, whatever the settings say: all participants judge the same.
    const network = chooseNetwork(catalogue, model, "auto", degradation);
    await engine.use(network);
    if (!this.isCurrent(trial)) return bitmap.close();
    drawBilinear(sharpSide === "left" ? "study-right" : "study-left", bitmap, model.scale);
    const core = { x: 0, y: 0, width: bitmap.width, height: bitmap.height };
    const { signal } = new AbortController();
    const sharp = await engine.draw({ network, window: bitmap, core, space, signal }, false);
    if (!this.isCurrent(trial)) return sharp.close();
    drawBitmap(`study-${sharpSide}`, sharp);
    this.strength = network.strength;
    this.shownAt = performance.now();
    this.enable(true);
    block("study-trial").focus({ preventScroll: true }); // the button that was pressed is disabled
  }

  /** Whether a pair is still the one that is asked for: its participant may have left. */
  private isCurrent(trial: Trial<Picture>): boolean {
    return this.stage === "trial" && this.trials[this.position] === trial;
  }

  /** Answers by a key, but for those that press a focused button. */
  private press(event: KeyboardEvent): void {
    const isPress = event.target instanceof HTMLButtonElement && event.key === " ";
    const value = KEYS[event.key];
    const isReady = this.buttons.every(({ disabled }) => !disabled);
    if (value === undefined || isPress || event.repeat || !isReady) return;
    event.preventDefault();
    this.answer(event.shiftKey && event.key.startsWith("Arrow") ? 2 * value : value);
  }

  private answer(value: number): void {
    const trial = this.trials[this.position];
    if (!trial || !this.model) return;
    this.enable(false); // a second press is no second answer
    this.store.add({
      participant: this.name,
      content: trial.item.content,
      item: trial.item.name,
      preference: preferenceOf(value, trial.sharpSide),
      seed: Number(this.seed.value),
      position: this.store.of(this.name).length + 1,
      sharp_side: trial.sharpSide,
      model: this.model.name,
      strength: this.strength,
      seconds: Math.round(performance.now() - this.shownAt) / 1000,
    });
    this.next();
  }

  private exportCsv(): void {
    const text = new Blob([toCsv(this.store.answers)], { type: "text/csv" });
    download(text, "zoomsr-study.csv");
  }

  private async reset(): Promise<void> {
    if (!(await confirmLoss("studyResetSure", "studyReset"))) return;
    this.store.clear();
    for (const kept of ["participant", "seed"] as const) remember(kept, "");
    this.participant.value = "";
    this.isSeedChosen = false;
    this.chooseSeed();
    this.go("intro");
  }

  private enable(enabled: boolean): void {
    for (const button of this.buttons) button.disabled = !enabled;
  }

  private go(stage: "intro" | "trial" | "end"): void {
    this.stage = stage;
    this.show();
    if (stage === "end") byId("study-export", HTMLButtonElement).focus();
  }

  private show(): void {
    const { stage, trials, position, pictures, store, before } = this;
    block("study-intro").hidden = stage !== "intro";
    block("study-trial").hidden = stage !== "trial";
    block("study-end").hidden = stage !== "end";
    const total = before + trials.length;
    const done = before + position;
    block("study-progress").textContent = t("studyProgress", { done: done + 1, total });
    byId("study-bar", HTMLProgressElement).value = total ? done / total : 0;
    const count = (kind: Content): number => pictures.filter((p) => p.content === kind).length;
    block("study-contents").textContent = t("studyContents", {
      images: count("images"),
      jpegs: count("jpeg"),
      texts: count("text"),
    });
    const results = stage !== "trial" && store.answers.length > 0;
    block("study-export").hidden = !results;
    block("study-kept").hidden = !results;
    block("study-stored").textContent = t("studyStored", { count: store.answers.length });
  }
}
