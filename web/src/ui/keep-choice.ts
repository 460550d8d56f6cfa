/** What of the photo is to be kept: boxes for what it has, in the sheet that saves it. */

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

function show({ viewer: { photo }, job, keep }: App): void {
  const isThere: Readonly<Record<keyof Keep, boolean>> = {
    details: photo?.exif != null,
    place: photo?.tellsPlace === true,
    transparency: photo?.clear != null,
  };
  const isJpeg = document.querySelector("[name=format][value=jpeg]:checked") !== null;
  const isOut = { details: false, place: !keep.details, transparency: isJpeg };
  block("keep").hidden = !KINDS.some((kind) => isThere[kind]);
  for (const kind of KINDS) {
    const box = boxOf(kind);
    (box.closest("label") as HTMLElement).hidden = !isThere[kind];
    box.disabled = job.running || isOut[kind];
    box.checked = keep[kind] && !isOut[kind];
  }
}

function boxOf(kind: keyof Keep): HTMLInputElement {
  return byId(`keep-${kind}`, HTMLInputElement);
}
