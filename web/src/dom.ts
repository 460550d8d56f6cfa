/** The elements of `index.html`, which is fixed: one that is missing is a fault of the app. */

/**
 * The element with an id.
 *
 * @throws Error there is none of this kind
 */
export function byId<Kind extends Element>(id: string, kind: new () => Kind): Kind {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`index.html has no ${kind.name} #${id}`);
}

export function button(id: string): HTMLButtonElement {
  return byId(id, HTMLButtonElement);
}

export function block(id: string): HTMLElement {
  return byId(id, HTMLElement);
}

/** Calls `act` when a button is pressed. */
export function onClick(id: string, act: () => void): void {
  block(id).addEventListener("click", act);
}

/** Downloads a file. */
export function download(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // browsers take it in their own time
}
