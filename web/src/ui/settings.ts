/** The settings: size, quality, cleaning up, language; what computes it, for those who ask. */

import type { App } from "../app/app";
import { block, byId, onClick } from "../dom";
import type { Restore } from "../engine/restore";
import { fileSize, type Language, number, onLanguage, setLanguage, t } from "../i18n";
import { remember } from "../preferences";
import type { Against } from "../view/layers";
import { Sheet } from "./dialogs";
import { attachModelChoice, timeText } from "./model-choice";
import { errorText } from "./toast";

export function attachSettings(app: App): void {
  const sheet = new Sheet("settings");
  onClick("settings-open", () => sheet.open());
  attachModelChoice(app, "choices");
  attachModels(app);
  attachAgainst(app);
  attachLanguage();
  attachRestore(app);
  const show = (): void => {
    showModel(app);
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
  byId("restore-picker", HTMLFieldSetElement).disabled = missing || app.isBusy;
  block("restore-help").textContent = t(missing ? "restoreNone" : "restoreHelp");
  for (const input of restoreInputs()) input.checked = input.value === app.restore;
}

/** Every model by its name, for those who know them. */
function attachModels(app: App): void {
  const picker = byId("model-picker", HTMLSelectElement);
  picker.addEventListener("change", () => {
    const model = app.catalogue?.models.find(({ name }) => name === picker.value);
    if (model) void app.useModel(model);
  });
  app.onCatalogue(({ models }) => picker.append(...models.map(({ name }) => new Option(name))));
}

function showModel(app: App): void {
  const { wantedModel: model } = app;
  const picker = byId("model-picker", HTMLSelectElement);
  picker.disabled = app.isBusy || !app.engine;
  block("choice-time").textContent = timeText(app);
  if (!model) return;
  picker.value = model.name;
  const psnr = model.psnr_y.Set14;
  block("model-details").textContent = t("modelDetails", {
    size: fileSize(model.bytes),
    quality: psnr === undefined ? "–" : number(psnr, 2),
  });
}

function attachAgainst(app: App): void {
  const picker = byId("compare-against", HTMLSelectElement);
  picker.value = app.against;
  picker.addEventListener("change", () => app.compareWith(picker.value as Against));
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
