/** Ways to open a photo: buttons, drop, paste, samples. */

import type { App } from "../app/app";
import { block, byId, onClick } from "../dom";
import { type Catalogue, modelUrl } from "../engine/catalogue";
import { AppError } from "../errors";
import { onLanguage, t } from "../i18n";
import { showError } from "./toast";

export function attachOpening(app: App): void {
  attachInput(app, "file-input");
  attachInput(app, "camera-input");
  const choose = (): void => byId("file-input", HTMLInputElement).click();
  onClick("open-file", choose);
  onClick("open-another", choose);
  attachDrop(app);
  app.onCatalogue((catalogue) => showSamples(app, catalogue));
  document.addEventListener("paste", ({ clipboardData }) => {
    const file = pictureIn(clipboardData);
    if (file) void app.open(file, file.name);
  });
}

function attachInput(app: App, id: string): void {
  const input = byId(id, HTMLInputElement);
  input.addEventListener("change", () => {
    const file = input.files?.[0];
    if (file) void app.open(file, file.name);
    input.value = ""; // the same file may be chosen again
  });
}

function attachDrop(app: App): void {
  const veil = block("drop-veil");
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    veil.hidden = !event.dataTransfer?.types.includes("Files");
  });
  document.addEventListener("dragleave", ({ relatedTarget }) => {
    if (!relatedTarget) veil.hidden = true; // it left the window
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    veil.hidden = true;
    const file = event.dataTransfer?.files[0];
    if (file) void app.open(file, file.name);
    else showError(new AppError("errorEmptyDrop"));
  });
}

/** The first picture of what was pasted; text and the like are left alone. */
function pictureIn(data: DataTransfer | null): File | undefined {
  return [...(data?.files ?? [])].find(({ type }) => type.startsWith("image/"));
}

/** Shows the host's sample photos on the start page. */
function showSamples(app: App, { study }: Catalogue): void {
  const list = block("sample-list");
  const samples = study.filter(({ kind }) => kind === "images").slice(0, 3);
  list.replaceChildren(...samples.map(({ file }) => sampleItem(app, file)));
  block("samples").hidden = samples.length === 0;
}

function sampleItem(app: App, file: string): HTMLLIElement {
  const name = file.split("/").at(-1) ?? file;
  const image = document.createElement("img");
  image.src = modelUrl(file);
  image.alt = "";
  const press = document.createElement("button");
  press.type = "button";
  press.dataset.testid = "sample";
  press.append(image);
  press.addEventListener("click", () => void openSample(app, file, name));
  onLanguage(() => {
    press.ariaLabel = t("sampleName", { name: name.replace(/\.\w+$/, "") });
  });
  const item = document.createElement("li");
  item.append(press);
  return item;
}

async function openSample(app: App, file: string, name: string): Promise<void> {
  try {
    const response = await fetch(modelUrl(file));
    if (!response.ok) throw new AppError("errorNotImage");
    await app.open(await response.blob(), name);
  } catch (error) {
    showError(error);
  }
}
