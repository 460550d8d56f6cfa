import { between, type View } from "./view";

const DURATION_MS = 200;

/** Moves a view smoothly, or at once for those who want no motion. Returns how to stop it. */
export function animateView(from: View, to: View, show: (view: View) => void): () => void {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
    show(to);
    return () => {};
  }
  const start = performance.now();
  let frame = 0;
  const step = (now: number): void => {
    const share = Math.min(1, Math.max(0, (now - start) / DURATION_MS));
    show(share === 1 ? to : between(from, to, easeOut(share)));
    if (share < 1) frame = requestAnimationFrame(step);
  };
  frame = requestAnimationFrame(step);
  return () => cancelAnimationFrame(frame);
}

function easeOut(share: number): number {
  return 1 - (1 - share) ** 3;
}
