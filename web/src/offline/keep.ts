/** What the service worker keeps for use without a network: what is used, or everything if one likes. */

import type { App } from "../app/app";
import { byId } from "../dom";
import { type Model, modelUrl } from "../engine/catalogue";
import { fileSize, onLanguage, t } from "../i18n";
import { recall, remember } from "../preferences";
import { showError, showInfo } from "../ui/toast";

/** Keeps what the app uses, now and whenever that changes. */
export async function keepUsed(app: App): Promise<void> {
  await navigator.serviceWorker.ready;
  attachKeepAll(app);
  let kept = app.model;
  app.onChange(() => {
    if (app.model === kept) return;
    kept = app.model;
    keep(app).catch((error: unknown) => console.warn("not kept:", error));
  });
  await keep(app);
}

/** Lets its owner keep every model, and the study. */
function attachKeepAll(app: App): void {
  const box = byId("keep-all", HTMLInputElement);
  byId("keep-all-row", HTMLElement).hidden = false;
  box.checked = recall("offline") === "all";
  box.addEventListener("change", () => {
    remember("offline", box.checked ? "all" : "used");
    if (box.checked) keep(app).then(() => showInfo("allKept"), showError);
  });
  onLanguage(() => {
    const bytes = app.catalogue?.models.reduce((sum, model) => sum + model.bytes, 0) ?? 0;
    byId("keep-all-label", HTMLElement).textContent = t("keepAll", { size: fileSize(bytes) });
  });
}

/** Addresses. What was fetched before the service worker took over, it has not seen. */
function wanted({ catalogue, model, engine }: App): string[] {
  if (!catalogue || !model) return [];
  const isAll = recall("offline") === "all";
  const pictures = isAll ? catalogue.study : [];
  const models = isAll ? catalogue.models : [model];
  const files = [...models.flatMap(filesOf), ...pictures.map(({ file }) => file)];
  return [...files.map(modelUrl), ...(engine?.files ?? [])];
}

function filesOf({ file, golden, twin }: Model): string[] {
  return [file, golden.lr, golden.sr, ...(twin ? [twin.file] : [])];
}

/** Resolves when what is wanted is kept. */
async function keep(app: App): Promise<void> {
  const { dataset } = document.documentElement;
  dataset.offline = "keeping";
  await send(wanted(app));
  dataset.offline = "ready";
}

async function send(files: readonly string[]): Promise<void> {
  const { active } = await navigator.serviceWorker.ready;
  const { port1, port2 } = new MessageChannel();
  const answered = new Promise<string | null>((resolve) => {
    port1.onmessage = ({ data }: MessageEvent<string | null>) => resolve(data);
  });
  active?.postMessage({ keep: files }, [port2]);
  const problem = await answered;
  port1.close();
  if (problem !== null) throw new Error(problem);
}
