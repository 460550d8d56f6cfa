/** Ways to open a photo: buttons, drop, paste, samples. */

import type { App } from "../app/app";
import { block, byId, onClick } from "../dom";
import { AppError } from "../errors";
import { onLanguage, t } from "../i18n";
import type { MessageKey } from "../i18n/messages";
import { showError } from "./toast";

interface Sample {
  readonly file: string;
  readonly word: MessageKey;
  readonly credit: string;
}

/** Of `public/samples`, whose LICENCES.txt says more. */
const SAMPLES: readonly Sample[] = [
  { file: "dragonfly", word: "sampleDragonfly", credit: "Bolly, CC BY-SA 4.0" },
  { file: "dogs", word: "sampleDogs", credit: "Aitzol Berasategi, CC BY 4.0" },
  { file: "fig", word: "sampleFig", credit: "Trevor “Freespace”, CC BY 4.0" },
];

export function attachOpening(app: App): void {
  attachInput(app, "file-input");
  attachInput(app, "camera-input");
  const choose = (): void => byId("file-input", HTMLInputElement).click();
  onClick("open-file", choose);
  onClick("open-another", choose);
  attachDrop(app);
  showSamples(app);
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

/** Shows the sample photos on the start page, small; a whole one is fetched when it is opened. */
function showSamples(app: App): void {
  block("sample-list").replaceChildren(...SAMPLES.map((sample) => sampleItem(app, sample)));
}

function sampleItem(app: App, { file, word, credit }: Sample): HTMLLIElement {
  const image = document.createElement("img");
  image.src = `samples/${file}-small.jpg`;
  image.alt = "";
  const press = document.createElement("button");
  press.type = "button";
  press.dataset.testid = "sample";
  press.append(image);
  press.addEventListener("click", () => void openSample(app, `${file}.jpg`));
  onLanguage(() => {
    press.title = `${t(word)} (${credit})`;
    press.ariaLabel = t("sampleName", { name: press.title });
  });
  const item = document.createElement("li");
  item.append(press);
  return item;
}

async function openSample(app: App, name: string): Promise<void> {
  try {
    const response = await fetch(`samples/${name}`).catch(() => null);
    if (!response?.ok) throw new AppError("errorSample");
    await app.open(await response.blob(), name);
  } catch (error) {
    showError(error);
  }
}
