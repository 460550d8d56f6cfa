/** Ways to open a photo: buttons, drop, paste, samples. */

import type { App } from "../app/app";
import { block, byId, onClick } from "../dom";
import { AppError } from "../errors";
import { onLanguage, t } from "../i18n";
import type { MessageKey } from "../i18n/messages";
import type { QueueSheet } from "./queue";
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

/** Opens one photo; puts several into the queue, and one too while that is open. */
export type Receive = (files: readonly File[]) => void;

export function attachOpening(app: App, queue: QueueSheet): Receive {
  const receive: Receive = (files) => {
    const [first] = files;
    if (files.length > 1 || queue.isOpen) queue.add(files);
    else if (first) void app.open(first, first.name);
  };
  attachInput(receive, "file-input");
  attachInput(receive, "camera-input");
  const choose = (): void => byId("file-input", HTMLInputElement).click();
  onClick("open-file", choose);
  onClick("open-another", choose);
  attachDrop(receive);
  showSamples(app);
  document.addEventListener("paste", ({ clipboardData }) => {
    receive([...(clipboardData?.files ?? [])].filter(({ type }) => type.startsWith("image/")));
  });
  return receive;
}

function attachInput(receive: Receive, id: string): void {
  const input = byId(id, HTMLInputElement);
  input.addEventListener("change", () => {
    receive([...(input.files ?? [])]);
    input.value = ""; // the same file may be chosen again
  });
}

function attachDrop(receive: Receive): void {
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
    const files = [...(event.dataTransfer?.files ?? [])];
    if (files.length) receive(files);
    else showError(new AppError("errorEmptyDrop"));
  });
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
