/** Messages: short ones to see, and words for screen readers, above everything else on the page. */

import { block, onClick } from "../dom";
import { AppError, describeError, isAbort, type Params } from "../errors";
import { t } from "../i18n";
import type { MessageKey } from "../i18n/messages";

/** Information goes by itself; an error stays until it is closed or another comes. */
const INFO_MS = 6000;

let timer: ReturnType<typeof setTimeout> | undefined;

export function attachToast(): void {
  onClick("toast-close", hideToast);
  placeMessages();
}

/**
 * Puts the messages into the dialog that is open: what is outside of it can be neither read nor
 * pressed. On the page they are over everything else.
 */
export function placeMessages(): void {
  const messages = block("messages");
  const dialogs = [...document.querySelectorAll("dialog[open]")];
  const host = dialogs.at(-1) ?? document.body;
  if (messages.parentElement !== host) host.append(messages);
  messages.popover = host === document.body ? "manual" : null;
  if (messages.popover && !messages.matches(":popover-open")) messages.showPopover();
}

/** Puts the messages on top again, over what has come there since. */
export function raiseMessages(): void {
  block("messages").popover = null;
  placeMessages();
}

export function showInfo(key: MessageKey, params: Params = {}): void {
  showText(t(key, params));
}

/** Shows words that are put together elsewhere. */
export function showText(text: string): void {
  show("info", text);
  timer = setTimeout(hideToast, INFO_MS);
}

/** Shows what went wrong; says nothing of work that was cancelled. */
export function showError(error: unknown): void {
  if (isAbort(error)) return;
  if (!(error instanceof AppError)) console.error(error);
  show("error", errorText(error));
}

/** An error in the user's words. */
export function errorText(error: unknown): string {
  if (error instanceof AppError) return t(error.key, error.params);
  const reason = describeError(error);
  const isMemory = error instanceof RangeError || /memory|allocat/i.test(reason);
  return t(isMemory ? "errorMemory" : "errorEngine", { reason });
}

export function hideToast(): void {
  clearTimeout(timer);
  block("toast").hidden = true;
}

/** Says something to screen readers only. */
export function announce(key: MessageKey, params: Params = {}): void {
  block("status").textContent = t(key, params);
}

function show(kind: "info" | "error", text: string): void {
  clearTimeout(timer);
  const toast = block("toast");
  block("toast-text").textContent = text;
  toast.dataset.kind = kind;
  toast.hidden = false;
}
