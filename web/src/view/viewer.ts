/**
 * The photo on the stage: where one looks, what is drawn, and what is sharpened when the view rests.
 */

import { closePhoto, type Photo } from "../app/photo";
import { contains, wholeOf } from "../tiles/rects";
import type { Rect } from "../tiles/tiles";
import { animateView } from "./animation";
import type { Layer, Layers } from "./layers";
import { drawScene } from "./renderer";
import { type Patch, Sharpener } from "./sharpener";
import {
  clampView,
  clampZoom,
  fitView,
  fitZoom,
  type Point,
  type Size,
  type View,
  visibleRect,
  zoomAt,
} from "./view";

/** A view that has not moved for this long is sharpened. */
const REST_MS = 80;
/** A double tap goes to this zoom at least: the paper's study used it. */
const CLOSE_ZOOM = 3;

export type Phase = "view" | "sharpening" | "sharp";

export interface ViewerEvents {
  /** The view has changed: somebody moved it, or the stage has another size. */
  onView(isMoved: boolean): void;
  onPhase(phase: Phase): void;
  onError(error: unknown): void;
}

export class Viewer {
  private readonly context: CanvasRenderingContext2D;
  private readonly sharpener: Sharpener;
  private current: Photo | null = null;
  private shown: View = { x: 0, y: 0, zoom: 1 };
  private layers: Layers | null = null;
  private size: Size = { width: 1, height: 1 };
  private split = 0;
  private paused = false;
  private frame = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private stopAnimation = (): void => {};

  constructor(
    private readonly canvas: HTMLCanvasElement,
    patchBytes: number,
    private readonly events: ViewerEvents,
  ) {
    const context = canvas.getContext("2d", { colorSpace: screenSpace() });
    if (!context) throw new Error("no 2d canvas");
    this.context = context;
    this.sharpener = new Sharpener(patchBytes, () => this.redraw());
  }

  get photo(): Photo | null {
    return this.current;
  }

  get view(): View {
    return this.shown;
  }

  get stage(): Size {
    return this.size;
  }

  get cache(): { bytes: number; limit: number; tiles: number } {
    return this.sharpener.usage;
  }

  /** The zoom at which all of the photo is seen. */
  get fit(): number {
    return this.current ? fitZoom(this.current, this.size) : 1;
  }

  /** The part of the photo that is in view. */
  get seen(): Rect | null {
    return this.current && visibleRect(this.shown, this.current, this.size);
  }

  /** Whether all of the photo is in view. */
  get isWhole(): boolean {
    const { current, seen } = this;
    return !current || !seen || contains(seen, wholeOf(current));
  }

  /** Shows another photo, or none; closes the one before. */
  show(photo: Photo | null): void {
    this.stopAnimation();
    this.sharpener.clear();
    this.layers = null;
    if (this.current) closePhoto(this.current);
    this.current = photo;
    if (photo) this.place(fitView(photo, this.size));
  }

  /** Sets what is sharpened, and with what it is compared. */
  setLayers(layers: Layers | null): void {
    this.layers = layers;
    this.restLater();
  }

  /** Shows the plain picture in the left share of the stage, 0..1. */
  setSplit(share: number): void {
    this.split = share;
    this.redraw();
  }

  /** Stops sharpening, so that something else has the engine; or goes on. */
  pause(paused: boolean): void {
    this.paused = paused;
    this.restLater();
  }

  /** The stage has another size, in device pixels. */
  resize(size: Size): void {
    const wasFit = this.isFit;
    this.size = size;
    this.canvas.width = size.width;
    this.canvas.height = size.height;
    if (!this.current) return;
    this.place(wasFit ? fitView(this.current, size) : this.shown, false);
    this.draw(); // at once: a canvas that was resized is empty
  }

  /** Goes to a view, as near as there is photo. */
  move(view: View): void {
    this.stopAnimation();
    this.place(view);
  }

  /** Zooms a view so that the photo stays where it is under a point of the stage. */
  zoom(view: View, zoom: number, at: Point): void {
    if (!this.current) return;
    this.move(zoomAt(view, clampZoom(zoom, this.current, this.size), at, this.size));
  }

  /** Goes to a zoom, smoothly; around the middle of the stage, or another point. */
  zoomTo(zoom: number, at: Point = this.middle): void {
    if (!this.current) return;
    this.glideTo(zoomAt(this.shown, clampZoom(zoom, this.current, this.size), at, this.size));
  }

  showAll(): void {
    if (this.current) this.glideTo(fitView(this.current, this.size));
  }

  /** Goes near, or back to the whole photo. */
  toggleZoom(at: Point): void {
    if (this.isFit) this.zoomTo(Math.max(CLOSE_ZOOM, 2 * this.fit), at);
    else this.showAll();
  }

  private get isFit(): boolean {
    return this.shown.zoom <= this.fit * 1.01;
  }

  private get middle(): Point {
    return { x: this.size.width / 2, y: this.size.height / 2 };
  }

  private glideTo(view: View): void {
    if (!this.current) return;
    this.stopAnimation();
    const target = clampView(view, this.current, this.size);
    this.stopAnimation = animateView(this.shown, target, (step) => this.place(step));
  }

  private place(view: View, isMoved = true): void {
    if (!this.current) return;
    const { x, y, zoom } = clampView(view, this.current, this.size);
    this.shown = { x, y, zoom };
    this.redraw();
    this.events.onView(isMoved);
    this.restLater();
  }

  private restLater(): void {
    this.sharpener.stop();
    clearTimeout(this.timer);
    if (!this.current || this.paused) return;
    this.events.onPhase("view");
    this.timer = setTimeout(() => this.rest().catch(this.events.onError), REST_MS);
  }

  /** Sharpens what is seen. Photos that are shown smaller than they are need none of it. */
  private async rest(): Promise<void> {
    const { layers } = this;
    const seen = this.seen;
    if (!layers || !seen || this.shown.zoom <= 1) return;
    const wanted = [layers.sharp, ...(layers.plain ? [layers.plain] : [])];
    const share = 1 / wanted.length;
    for (const layer of wanted) {
      const half = this.half(layer);
      if (this.sharpener.isSharp(layer, seen, half, share)) continue;
      this.events.onPhase("sharpening");
      if (!(await this.sharpener.sharpen(layer, seen, half, share))) return;
    }
    this.draw();
    this.events.onPhase("sharp");
  }

  /** Whether half of a layer's scale is all that the zoom can show: a quarter of the memory. */
  private half(layer: Layer): boolean {
    return layer.scale === 4 && this.shown.zoom <= layer.scale / 2;
  }

  private redraw(): void {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  }

  private draw(): void {
    if (!this.current) return;
    drawScene(this.context, {
      photo: this.current,
      view: this.shown,
      stage: this.size,
      sharp: this.patches(this.layers?.sharp),
      plain: this.patches(this.layers?.plain),
      split: Math.round(this.split * this.size.width),
    });
  }

  private patches(layer: Layer | null | undefined): Patch[] {
    if (!layer || !this.seen || this.shown.zoom <= 1) return [];
    return this.sharpener.visible(layer, this.seen, this.half(layer));
  }
}

/** The colours that the screen can show. */
function screenSpace(): PredefinedColorSpace {
  return matchMedia("(color-gamut: p3)").matches ? "display-p3" : "srgb";
}
