/** The controls around the stage: zoom, comparison, and the line that says what is seen. */

import type { App } from "../app/app";
import { block, button, byId, onClick } from "../dom";
import { onLanguage, percent, t } from "../i18n";
import { CompareSlider } from "./compare-slider";
import { raiseMessages } from "./toast";

const ZOOM_STEP = 1.5;

export function attachToolbar(app: App): void {
  const { viewer } = app;
  onClick("zoom-in", () => viewer.zoomTo(viewer.view.zoom * ZOOM_STEP));
  onClick("zoom-out", () => viewer.zoomTo(viewer.view.zoom / ZOOM_STEP));
  onClick("zoom-fit", () => viewer.showAll());
  const comparison = new Comparison(app);
  attachFullScreen();
  attachKeys(app, comparison);
  const show = (): void => {
    showZoom(app);
    showHint(app);
    comparison.show();
  };
  app.onChange(show);
  onLanguage(show);
}

function showZoom({ viewer }: App): void {
  block("zoom-level").textContent = percent(viewer.view.zoom);
}

/** What one sees, in a few words. */
function showHint(app: App): void {
  const hint = block("hint");
  hint.dataset.phase = app.job.running ? "upscaling" : app.phase;
  block("hint-text").textContent = hintText(app);
}

function hintText(app: App): string {
  if (app.job.running) return t("hintPaused");
  if (app.failure) return t("hintPlain", { name: t("bilinear") });
  if (app.viewer.view.zoom <= 1) return t("hintZoom");
  if (!app.engine || !app.network) return t("hintWait");
  if (app.phase !== "sharp") return t("hintSharpening");
  return t(app.network.cleaned ? "hintCleaned" : "hintSharp");
}

/** The slider, the button to hold, and what is compared with. */
class Comparison {
  private readonly slider = byId("compare-slider", CompareSlider);
  private readonly toggle = button("compare-toggle");
  private readonly hold = button("hold-compare");
  private holding = false;

  constructor(private readonly app: App) {
    this.toggle.addEventListener("click", () => this.setOn(!this.isOn));
    this.slider.addEventListener("input", () => this.split());
    this.attachHold();
  }

  get isOn(): boolean {
    return this.toggle.getAttribute("aria-pressed") === "true";
  }

  setOn(on: boolean): void {
    this.toggle.setAttribute("aria-pressed", String(on));
    this.slider.hidden = !on;
    this.split();
    if (on) this.slider.focus({ preventScroll: true });
  }

  show(): void {
    const { against } = this.app;
    block("label-plain").hidden = !this.isOn && !this.holding;
    block("label-sharp").hidden = !this.isOn || this.holding;
    block("label-plain").textContent = t(against);
    block("label-sharp").textContent = t("splitsr");
    block("hint").hidden = this.isOn || this.holding;
  }

  private split(): void {
    const share = this.isOn ? this.slider.value : 0;
    this.app.viewer.setSplit(this.holding ? 1 : share);
    this.slider.classList.toggle("resting", this.holding);
    this.show();
  }

  private attachHold(): void {
    const set = (holding: boolean): void => {
      if (this.holding === holding) return;
      this.holding = holding;
      this.hold.setAttribute("aria-pressed", String(holding));
      this.split();
    };
    this.hold.addEventListener("pointerdown", (event) => {
      this.hold.setPointerCapture(event.pointerId);
      set(true);
    });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture", "blur", "keyup"]) {
      this.hold.addEventListener(end, () => set(false));
    }
    this.hold.addEventListener("keydown", ({ key }) => {
      if (key === " " || key === "Enter") set(true);
    });
    // A long touch would open the browser's menu.
    this.hold.addEventListener("contextmenu", (event) => event.preventDefault());
  }
}

/** Keys of the photo view, wherever the focus is, but not where keys have a meaning of their own. */
function attachKeys(app: App, comparison: Comparison): void {
  const { viewer } = app;
  const actions: Record<string, (far: boolean) => void> = {
    "+": () => viewer.zoomTo(viewer.view.zoom * ZOOM_STEP),
    "=": () => viewer.zoomTo(viewer.view.zoom * ZOOM_STEP),
    "-": () => viewer.zoomTo(viewer.view.zoom / ZOOM_STEP),
    "0": () => viewer.showAll(),
    "1": () => viewer.zoomTo(1),
    "2": () => viewer.zoomTo(2),
    "3": () => viewer.zoomTo(3),
    "4": () => viewer.zoomTo(4),
    c: () => comparison.setOn(!comparison.isOn),
    f: () => void toggleFullScreen(),
    Escape: () => endOne(app, comparison),
    ArrowLeft: (far) => step(app, -1, 0, far),
    ArrowRight: (far) => step(app, 1, 0, far),
    ArrowUp: (far) => step(app, 0, -1, far),
    ArrowDown: (far) => step(app, 0, 1, far),
  };
  document.addEventListener("keydown", (event) => {
    const target = event.target instanceof Element ? event.target : document.body;
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    const isOurs =
      target.matches("body, #stage") || (!event.key.startsWith("Arrow") && isQuiet(target));
    if (!action || !isOurs || !viewer.photo || block("viewer").hidden) return;
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    event.preventDefault();
    action(event.shiftKey);
  });
}

/** The photo on all of the screen, where the browser lets pages do that. */
function attachFullScreen(): void {
  button("full-screen").hidden = !document.fullscreenEnabled;
  onClick("full-screen", () => void toggleFullScreen());
  document.addEventListener("fullscreenchange", () => {
    button("full-screen").ariaPressed = String(document.fullscreenElement !== null);
    raiseMessages(); // they lie under the page now
  });
}

async function toggleFullScreen(): Promise<void> {
  if (!document.fullscreenEnabled) return;
  if (document.fullscreenElement) await document.exitFullscreen();
  else await document.documentElement.requestFullscreen();
}

/** What Escape ends: the last thing that was begun. */
function endOne(app: App, comparison: Comparison): void {
  if (document.fullscreenElement) void toggleFullScreen();
  else if (comparison.isOn) comparison.setOn(false);
  else void stopJob(app);
}

/** Ends a job that runs, if its owner is sure; a result that waits is safe from the key. */
async function stopJob(app: App): Promise<void> {
  if (app.job.running && (await app.job.mayGo())) app.cancelJob();
}

function isQuiet(target: Element): boolean {
  return !target.closest("input, select, textarea, dialog");
}

/** Moves the view by a tenth of the stage, or by half of it. */
function step({ viewer }: App, dx: number, dy: number, far: boolean): void {
  const share = far ? 0.5 : 0.1;
  const { view, stage } = viewer;
  const x = view.x + (dx * share * stage.width) / view.zoom;
  const y = view.y + (dy * share * stage.height) / view.zoom;
  viewer.move({ x, y, zoom: view.zoom });
}
