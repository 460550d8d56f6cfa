import { byId, onClick } from "../dom";

/** A dialog of `index.html` with its close button; a press beside it closes it too. */
export function attachDialog(name: string): HTMLDialogElement {
  const dialog = byId(`${name}-dialog`, HTMLDialogElement);
  onClick(`${name}-close`, () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  return dialog;
}
