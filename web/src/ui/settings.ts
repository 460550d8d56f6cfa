/** The settings: network, cleaning up, what computes it, language. */

import type { App } from "../app";
import type { Model } from "../catalogue";
import { block, byId, onClick } from "../dom";
import { fileSize, type Language, number, onLanguage, setLanguage, t } from "../i18n";
import { remember } from "../preferences";
import type { Restore } from "../restore";
import { attachDialog } from "./dialogs";
import { familyName } from "./names";
import { errorText } from "./toast";

const FAMILY_ORDER = ["fast", "balanced", "accurate"];

export function attachSettings(app: App): void {
  const dialog = attachDialog("settings");
  onClick("settings-open", () => dialog.showModal());
  attachLanguage();
  attachRestore(app);
  const show = (): void => {
    showModels(app);
    showDetails(app);
    showRestore(app);
    showBackend(app);
  };
  app.onChange(show);
  onLanguage(show);
}

function attachLanguage(): void {
  const picker = byId("language-picker", HTMLSelectElement);
  picker.addEventListener("change", () => {
    remember("language", picker.value);
    setLanguage(picker.value as Language);
  });
  onLanguage(() => {
    picker.value = document.documentElement.lang;
  });
}

function restoreInputs(): NodeListOf<HTMLInputElement> {
  return document.querySelectorAll<HTMLInputElement>("[name=restore]");
}

function attachRestore(app: App): void {
  for (const input of restoreInputs()) {
    input.addEventListener("change", () => app.restoreBy(input.value as Restore));
  }
}

function showRestore(app: App): void {
  const missing = app.model !== null && app.model.twin === null;
  byId("restore-picker", HTMLFieldSetElement).disabled = missing || app.upscaling;
  block("restore-help").textContent = t(missing ? "restoreNone" : "restoreHelp");
  for (const input of restoreInputs()) input.checked = input.value === app.restore;
}

/** Fills the picker once, and keeps its texts and its choice as they are. */
function showModels(app: App): void {
  const picker = byId("model-picker", HTMLFieldSetElement);
  picker.disabled = app.upscaling; // the engine keeps the network that is at work
  if (!app.catalogue) return;
  if (!picker.querySelector("input")) {
    const families = new Set(app.catalogue.models.map(({ label }) => label));
    const order = [...families].sort((a, b) => rank(a) - rank(b));
    picker.append(...order.map((label) => familyRow(app, label)));
  }
  for (const name of picker.querySelectorAll<HTMLElement>("[data-family]")) {
    name.textContent = familyName(name.dataset.family ?? "");
  }
  for (const model of app.catalogue.models) showModel(app, model);
}

function rank(label: string): number {
  const place = FAMILY_ORDER.indexOf(label);
  return place < 0 ? FAMILY_ORDER.length : place;
}

function familyRow(app: App, label: string): HTMLElement {
  const row = document.createElement("div");
  row.className = "family";
  const name = document.createElement("span");
  name.dataset.family = label;
  const models = (app.catalogue?.models ?? []).filter((model) => model.label === label);
  row.append(name, ...models.sort((a, b) => a.scale - b.scale).map((m) => modelChoice(app, m)));
  return row;
}

function modelChoice(app: App, model: Model): HTMLElement {
  const choice = document.createElement("label");
  const input = document.createElement("input");
  input.type = "radio";
  input.name = "model";
  input.value = model.name;
  input.addEventListener("change", () => void app.useModel(model));
  const face = document.createElement("span");
  const scale = document.createElement("b");
  scale.textContent = `×${model.scale}`;
  const size = document.createElement("small");
  const speed = document.createElement("small");
  size.className = "size";
  speed.className = "speed";
  face.append(scale, size, speed);
  choice.append(input, face);
  return choice;
}

function showModel(app: App, model: Model): void {
  const input = document.querySelector<HTMLInputElement>(`[name=model][value="${model.name}"]`);
  const face = input?.nextElementSibling;
  if (!input || !face) return;
  input.checked = model === app.model;
  input.ariaLabel = t("modelChoice", { label: familyName(model.label), scale: model.scale });
  const speed = secondsPerMegapixel(app, model);
  const texts = {
    ".size": fileSize(model.bytes),
    ".speed": speed === undefined ? t("speedUnknown") : t("speed", { seconds: speed }),
  };
  for (const [part, text] of Object.entries(texts)) {
    const element = face.querySelector(part);
    if (element) element.textContent = text;
  }
}

/** What one megapixel of the photo takes here, in seconds, as a text. */
function secondsPerMegapixel({ engine }: App, model: Model): string | undefined {
  const seconds = (engine?.msPerPixel(model) ?? 0) * 1000;
  return seconds > 0 ? number(seconds, seconds < 10 ? 1 : 0) : undefined;
}

function showDetails(app: App): void {
  const { model } = app;
  if (!model) return;
  const seconds = secondsPerMegapixel(app, model);
  const psnr = model.psnr_y.Set14;
  block("model-details").textContent = t("modelDetails", {
    size: fileSize(model.bytes),
    quality: psnr === undefined ? "–" : number(psnr, 2),
    speed: seconds === undefined ? t("speedLater") : t("speedHere", { seconds }),
  });
}

function showBackend(app: App): void {
  const backend = block("backend");
  backend.dataset.backend = app.engine?.backend ?? "";
  backend.textContent = backendText(app);
}

function backendText({ engine, failure }: App): string {
  if (failure) return t("engineFailed", { reason: errorText(failure) });
  if (!engine) return t("engineStarting");
  if (engine.backend === "webgpu") return t("engineWebgpu");
  const reasons = [engine.reason ? t(engine.reason.key, engine.reason.params) : ""];
  if (!crossOriginIsolated) reasons.push(t("reasonOneThread"));
  return t("engineWasm", { threads: engine.threads, reason: reasons.join(" ") });
}
