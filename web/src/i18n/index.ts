/** The language in use, and the words in it. */

import type { Params } from "../errors";
import { en } from "./en";
import { ko } from "./ko";
import type { MessageKey, Messages } from "./messages";

export type Language = "en" | "ko";

export const LANGUAGES: Readonly<Record<Language, { name: string; messages: Messages }>> = {
  en: { name: "English", messages: en },
  ko: { name: "한국어", messages: ko },
};

let current: Language = "en";
const listeners = new Set<() => void>();

/** The first of the languages that somebody reads and the app has. */
export function pickLanguage(preferred: readonly string[]): Language {
  const codes = preferred.map((tag) => tag.slice(0, 2).toLowerCase());
  return (codes.find((code) => code in LANGUAGES) as Language | undefined) ?? "en";
}

export function language(): Language {
  return current;
}

/** Changes the language of the page and of all that listens. */
export function setLanguage(chosen: Language): void {
  current = chosen;
  document.documentElement.lang = chosen;
  document.title = t("appTitle");
  translate(document);
  for (const listener of listeners) listener();
}

/** Calls `listener` now and whenever the language changes. */
export function onLanguage(listener: () => void): void {
  listeners.add(listener);
  listener();
}

/** A message in the current language. */
export function t(key: MessageKey, params: Params = {}): string {
  return fill(LANGUAGES[current].messages[key], params);
}

/** Fills in the `{names}` of a message. */
export function fill(message: string, params: Params): string {
  return message.replace(/\{(\w+)\}/g, (whole, name: string) => String(params[name] ?? whole));
}

/**
 * Writes the words into elements that name them: `data-i18n` is their text, `data-i18n-label` what
 * screen readers say and the tooltip.
 */
function translate(root: ParentNode): void {
  for (const element of root.querySelectorAll<HTMLElement>("[data-i18n]")) {
    element.textContent = t(element.dataset.i18n as MessageKey);
  }
  for (const element of root.querySelectorAll<HTMLElement>("[data-i18n-label]")) {
    const label = t(element.dataset.i18nLabel as MessageKey);
    element.setAttribute("aria-label", label);
    if (element.matches("button, a")) element.title = label;
  }
}

/** A number in the language's manner, with at most so many digits after the point. */
export function number(value: number, digits = 0): string {
  return new Intl.NumberFormat(current, { maximumFractionDigits: digits }).format(value);
}

export function percent(share: number): string {
  return new Intl.NumberFormat(current, { style: "percent" }).format(share);
}

/** A size of a file; in bytes below 1 kB. */
export function fileSize(bytes: number): string {
  if (bytes < 1e3) return measure(bytes, "byte", "long");
  const [value, unit] = bytes < 1e6 ? [bytes / 1e3, "kilobyte"] : [bytes / 1e6, "megabyte"];
  return measure(value, unit, "short", value < 10 ? 1 : 0);
}

/** A span of time, rounded to what one can feel. */
export function duration(seconds: number): string {
  const whole = Math.max(1, Math.round(seconds));
  const [value, unit] = whole < 90 ? [whole, "second"] : [Math.round(whole / 60), "minute"];
  return measure(value, unit, "short");
}

function measure(value: number, unit: string, unitDisplay: "short" | "long", digits = 0): string {
  const style = { style: "unit", unit, unitDisplay, maximumFractionDigits: digits } as const;
  return new Intl.NumberFormat(current, style).format(value);
}
