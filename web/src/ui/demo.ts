/** The start page's picture: a detail of a sample, half bilinear and half SplitSR, computed here. */

import type { App } from "../app/app";
import { block, byId } from "../dom";
import { drawBilinear, drawBitmap } from "../study/draw";
import { CompareSlider } from "./compare-slider";

/** Of the first sample: enlarged it fills its place. */
const DETAIL = "samples/detail.png";
const SCALE = 4;

export function attachDemo(app: App): void {
  attachSlider();
  new Demo(app).show().catch((error: unknown) => {
    block("demo").hidden = true; // the page is whole without it
    console.warn("no demonstration:", error);
  });
}

function attachSlider(): void {
  const slider = byId("demo-slider", CompareSlider);
  const split = (): void => {
    block("demo-plain").style.clipPath = `inset(0 ${100 - slider.value * 100}% 0 0)`;
  };
  slider.addEventListener("input", split);
  split();
}

class Demo {
  private detail: ImageBitmap | null = null;

  constructor(private readonly app: App) {}

  /** Shows the detail by bilinear, and sharpens it when the engine has started. */
  async show(): Promise<void> {
    const response = await fetch(DETAIL);
    if (!response.ok) throw new Error(`${DETAIL}: ${response.status}`);
    this.detail = await createImageBitmap(await response.blob());
    for (const id of ["demo-plain", "demo-sharp"]) drawBilinear(id, this.detail, SCALE);
    this.app.onChange(() => void this.sharpen());
  }

  private async sharpen(): Promise<void> {
    const { engine, model, failure } = this.app;
    block("demo").hidden = failure !== null;
    if (!this.detail || !engine || !model || !this.app.isReady) return;
    const window = this.detail;
    this.detail = null; // it is handed over
    const core = { x: 0, y: 0, width: window.width, height: window.height };
    const { signal } = new AbortController();
    const network = { model, strength: 0 };
    const work = { network, window, core, space: "srgb", signal } as const;
    drawBitmap("demo-sharp", await engine.draw(work, false));
    block("demo").dataset.sharp = "";
  }
}
