/** Fingers, mouse and keys on the stage, as changes of the view. */

import { type Point, panBy, type View } from "./view";

/** What gestures act on. Points and sizes are in device pixels. */
export interface Target {
  view(): View | null;
  move(view: View): void;
  /** Zooms a view so that the photo stays where it is under a point. */
  zoom(view: View, zoom: number, at: Point): void;
  /** A double tap: nearer, or back to the whole. */
  toggleZoom(at: Point): void;
}

/** A turn of a mouse wheel's notch (100) zooms by about 1.2. */
const WHEEL_SPEED = 0.0018;
const LINE_PIXELS = 16;
const DOUBLE_TAP_MS = 300;
const DOUBLE_TAP_PIXELS = 30;
/** Below this speed, in device pixels a millisecond, a released photo stays where it is. */
const SLOWEST_GLIDE = 0.15;
/** Share of its speed that a gliding photo keeps for a millisecond. */
const GLIDE_DECAY = 0.994;

/** Attaches gestures to an element. */
export function attachGestures(element: HTMLElement, target: Target): void {
  new Gestures(element, target);
}

class Gestures {
  private readonly pointers = new Map<number, Point>();
  private lastTap = { time: Number.NEGATIVE_INFINITY, at: { x: 0, y: 0 } };
  private moved = 0;
  private velocity: Point = { x: 0, y: 0 };
  private lastMove = 0;
  private glide = 0;

  constructor(
    private readonly element: HTMLElement,
    private readonly target: Target,
  ) {
    element.addEventListener("pointerdown", (event) => this.down(event));
    element.addEventListener("pointermove", (event) => this.drag(event));
    element.addEventListener("pointerup", (event) => this.up(event));
    element.addEventListener("pointercancel", (event) => this.pointers.delete(event.pointerId));
    element.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
  }

  private at(event: MouseEvent): Point {
    const box = this.element.getBoundingClientRect();
    const ratio = devicePixelRatio;
    return { x: (event.clientX - box.left) * ratio, y: (event.clientY - box.top) * ratio };
  }

  private down(event: PointerEvent): void {
    if (event.button !== 0) return;
    cancelAnimationFrame(this.glide);
    this.element.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, this.at(event));
    this.velocity = { x: 0, y: 0 };
    if (this.pointers.size === 1) this.moved = 0;
    else this.moved = Number.POSITIVE_INFINITY; // two fingers are no tap
  }

  private drag(event: PointerEvent): void {
    const before = this.pointers.get(event.pointerId);
    const view = this.target.view();
    if (!before || !view) return;
    const now = this.at(event);
    const old = [...this.pointers.values()];
    this.pointers.set(event.pointerId, now);
    const fresh = [...this.pointers.values()];
    const from = centre(old);
    const to = centre(fresh);
    const moved = panBy(view, to.x - from.x, to.y - from.y);
    if (fresh.length === 1) this.target.move(moved);
    else this.target.zoom(moved, (moved.zoom * spread(fresh)) / spread(old), to);
    this.track(now.x - before.x, now.y - before.y, event.timeStamp);
  }

  /** Keeps the speed of the finger, smoothed, for the glide after it. */
  private track(dx: number, dy: number, time: number): void {
    this.moved += Math.hypot(dx, dy);
    const elapsed = Math.max(1, time - this.lastMove);
    this.lastMove = time;
    this.velocity = {
      x: this.velocity.x * 0.6 + (dx / elapsed) * 0.4,
      y: this.velocity.y * 0.6 + (dy / elapsed) * 0.4,
    };
  }

  private up(event: PointerEvent): void {
    if (!this.pointers.delete(event.pointerId)) return;
    const at = this.at(event);
    if (this.moved < 6 * devicePixelRatio) this.tap(at, event.timeStamp);
    else if (this.pointers.size === 0 && event.timeStamp - this.lastMove < 40) this.startGlide();
  }

  private tap(at: Point, time: number): void {
    const { lastTap } = this;
    const near = Math.hypot(at.x - lastTap.at.x, at.y - lastTap.at.y);
    const isDouble =
      time - lastTap.time < DOUBLE_TAP_MS && near < DOUBLE_TAP_PIXELS * devicePixelRatio;
    this.lastTap = { time: isDouble ? Number.NEGATIVE_INFINITY : time, at };
    if (isDouble) this.target.toggleZoom(at);
  }

  private startGlide(): void {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    let { x, y } = this.velocity;
    let last = performance.now();
    const step = (now: number): void => {
      const elapsed = now - last;
      last = now;
      const view = this.target.view();
      if (!view || Math.hypot(x, y) < SLOWEST_GLIDE) return;
      this.target.move(panBy(view, x * elapsed, y * elapsed));
      const kept = GLIDE_DECAY ** elapsed;
      x *= kept;
      y *= kept;
      this.glide = requestAnimationFrame(step);
    };
    this.glide = requestAnimationFrame(step);
  }

  private wheel(event: WheelEvent): void {
    const view = this.target.view();
    if (!view) return;
    event.preventDefault();
    cancelAnimationFrame(this.glide);
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PIXELS : 1;
    // A pinch on a touchpad comes as a wheel with Ctrl, in small steps.
    const speed = WHEEL_SPEED * lines * (event.ctrlKey ? 5 : 1);
    this.target.zoom(view, view.zoom * Math.exp(-event.deltaY * speed), this.at(event));
  }
}

function centre(points: readonly Point[]): Point {
  const sum = points.reduce((a, b) => ({ x: a.x + b.x, y: a.y + b.y }), { x: 0, y: 0 });
  return { x: sum.x / points.length, y: sum.y / points.length };
}

/** How far fingers are apart; 1 for a single one. */
function spread([a, b]: readonly Point[]): number {
  return a && b ? Math.max(1, Math.hypot(a.x - b.x, a.y - b.y)) : 1;
}
