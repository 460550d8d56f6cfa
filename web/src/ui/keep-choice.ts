/** What of photos is to be kept: boxes for what one has, in the sheet that saves it; for several all. */

import type { App } from "../app/app";
import type { Keep } from "../app/keep";
import { block, byId } from "../dom";

const KINDS = ["details", "place", "transparency"] as const satisfies readonly (keyof Keep)[];

export function attachKeepChoice(app: App): void {
  for (const kind of KINDS) {
    const box = boxOf(kind);
    box.addEventListener("change", () => app.keepAs({ ...app.keep, [kind]: box.checked }));
  }
  app.onChange(() => show(app));
}

function show({ viewer: { photo }, isBusy, keep }: App): void {
  const isSeveral = block("queue-slot").contains(block("keep"));
  const isThere: Readonly<Record<keyof Keep, boolean>> = {
    details: isSeveral || photo?.exif != null,
    place: isSeveral || photo?.tellsPlace === true,
    transparency: isSeveral || photo?.clear != null,
  };
  const isJpeg = document.querySelector("[name=format][value=jpeg]:checked") !== null;
  const isOut = { details: false, place: !keep.details, transparency: isJpeg };
  block("keep").hidden = !KINDS.some((kind) => isThere[kind]);
  for (const kind of KINDS) {
    const box = boxOf(kind);
    (box.closest("label") as HTMLElement).hidden = !isThere[kind];
    box.disabled = isBusy || isOut[kind];
    box.checked = keep[kind] && !isOut[kind];
  }
}

function boxOf(kind: keyof Keep): HTMLInputElement {
  return byId(`keep-${kind}`, HTMLInputElement);
}
