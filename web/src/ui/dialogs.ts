import { block, byId, onClick } from "../dom";
import { t } from "../i18n";
import type { MessageKey } from "../i18n/messages";
import { closeLayer, openLayer } from "./layers";
import { placeMessages } from "./toast";

/** A dialog of `index.html`: its close button, a press beside it, Escape and Back close it. */
export class Sheet {
  readonly dialog: HTMLDialogElement;

  constructor(private readonly name: string) {
    this.dialog = byId(`${name}-dialog`, HTMLDialogElement);
    onClick(`${name}-close`, () => this.close());
    this.dialog.addEventListener("click", (event) => {
      if (event.target === this.dialog) this.close();
    });
    this.dialog.addEventListener("close", () => {
      closeLayer(name);
      placeMessages();
    });
  }

  get isOpen(): boolean {
    return this.dialog.open;
  }

  open(): void {
    if (this.isOpen) return;
    this.dialog.showModal();
    placeMessages();
    openLayer({ name: this.name, close: () => this.close() });
  }

  close(): void {
    this.dialog.close();
  }
}

let confirming: Sheet | undefined;
let pending: Promise<boolean> | undefined;

/** Asks before something is lost. Whoever asks again meanwhile gets the same answer. */
export function confirmLoss(question: MessageKey, yes: MessageKey): Promise<boolean> {
  pending ??= ask(question, yes).finally(() => {
    pending = undefined;
  });
  return pending;
}

function ask(question: MessageKey, yes: MessageKey): Promise<boolean> {
  confirming ??= new Sheet("confirm");
  const sheet = confirming;
  block("confirm-title").textContent = t(question);
  block("confirm-yes").textContent = t(yes);
  return new Promise((resolve) => {
    let answer = false;
    block("confirm-yes").onclick = () => {
      answer = true;
      sheet.close();
    };
    sheet.dialog.addEventListener("close", () => resolve(answer), { once: true });
    sheet.open();
  });
}
