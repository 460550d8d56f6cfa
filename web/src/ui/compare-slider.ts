/**
 * `<compare-slider>`: a boundary that is dragged or moved by keys from the left of its parent (0) to
 * the right (100). Sends `input` when it moves.
 */

const STEP = 2;
const LARGE_STEP = 10;

export class CompareSlider extends HTMLElement {
  private share = 0.5;

  connectedCallback(): void {
    this.role = "slider";
    this.tabIndex = 0;
    this.ariaValueMin = "0";
    this.ariaValueMax = "100";
    this.addEventListener("pointerdown", (event) => this.grab(event));
    this.addEventListener("pointermove", (event) => this.drag(event));
    this.addEventListener("keydown", (event) => this.press(event));
    this.show();
  }

  /** 0 at the parent's left, 1 at its right. */
  get value(): number {
    return this.share;
  }

  set value(share: number) {
    this.share = Math.min(1, Math.max(0, share));
    this.show();
    this.dispatchEvent(new Event("input", { bubbles: true }));
  }

  private show(): void {
    this.style.left = `${this.share * 100}%`;
    this.ariaValueNow = String(Math.round(this.share * 100));
    this.ariaValueText = `${this.ariaValueNow} %`;
  }

  private grab(event: PointerEvent): void {
    if (event.button !== 0) return;
    this.setPointerCapture(event.pointerId);
    event.stopPropagation();
  }

  private drag(event: PointerEvent): void {
    const box = this.parentElement?.getBoundingClientRect();
    if (!box || !this.hasPointerCapture(event.pointerId)) return;
    this.value = (event.clientX - box.left) / box.width;
  }

  private press(event: KeyboardEvent): void {
    const moved = this.afterKey(event.key, event.shiftKey ? LARGE_STEP : STEP);
    if (moved === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    this.value = moved / 100;
  }

  private afterKey(key: string, step: number): number | undefined {
    const now = this.share * 100;
    const moves: Record<string, number> = {
      ArrowLeft: now - step,
      ArrowDown: now - step,
      ArrowRight: now + step,
      ArrowUp: now + step,
      PageDown: now - LARGE_STEP,
      PageUp: now + LARGE_STEP,
      Home: 0,
      End: 100,
    };
    return moves[key];
  }
}

/** Makes the element known to the browser. */
export function defineCompareSlider(): void {
  customElements.define("compare-slider", CompareSlider);
}
