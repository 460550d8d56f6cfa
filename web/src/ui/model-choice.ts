/** Size and quality in words for people: they choose the model, and what becomes of its result. */

import type { App } from "../app/app";
import type { Plan } from "../app/plan";
import { estimateSeconds } from "../app/upscale";
import { block } from "../dom";
import { findModel, type Model } from "../engine/catalogue";
import { duration, onLanguage, t } from "../i18n";
import { recall } from "../preferences";
import { familyName } from "./names";
import { errorText } from "./toast";

const FAMILY_ORDER = ["fast", "balanced", "accurate"];

/** The size that is asked for first: that of screens with many pixels. */
const FIRST_SIDE = 3840;
/** The key for a size in pixels, beside those of the scales. */
const PIXELS = "px";

/** What the photo that is open is to become; or in words why it cannot. */
export function planned(app: App): { plan: Plan | null; problem: string } {
  try {
    return { plan: app.plan(), problem: "" };
  } catch (error) {
    return { plan: null, problem: errorText(error) };
  }
}

/** How long the photo that is open will take, in words; nothing if that is not known. */
export function timeText(app: App): string {
  const { plan, problem } = planned(app);
  const { engine, viewer } = app;
  if (!engine || !viewer.photo || !plan) return problem;
  const seconds = estimateSeconds(engine, plan.network.model, viewer.photo, plan.part);
  return seconds ? t("saveTime", { time: duration(seconds) }) : "";
}

/** Puts the two rows of choices before what an element has. */
export function attachModelChoice(app: App, id: string): void {
  app.onCatalogue(({ models }) => {
    const scales = unique(models.map(({ scale }) => scale)).sort((a, b) => a - b);
    const labels = unique(models.map(({ label }) => label)).sort((a, b) => rank(a) - rank(b));
    const size = new Row(id, "size", [...scales.map(String), PIXELS], (key) =>
      chooseSize(app, key),
    );
    const side = new SideField(app, id);
    const speed = new Row(id, "speed", labels, (label) => select(app, { label }));
    block(id).prepend(size.element, side.element, speed.element);
    const show = (): void => {
      const name = (key: string): string => (key === PIXELS ? t("sizePixels") : `${key}×`);
      size.show(app, name, app.side === null ? String(app.wantedModel?.scale) : PIXELS);
      side.show();
      speed.show(app, familyName, app.wantedModel?.label ?? "");
    };
    app.onChange(show);
    onLanguage(show);
  });
}

function chooseSize(app: App, key: string): void {
  const isPixels = key === PIXELS;
  if (!isPixels) select(app, { scale: Number(key) });
  app.aimAt(isPixels ? Number(recall("lastSide")) || firstSide(app) : null);
}

/** A size that the photo can have. */
function firstSide({ viewer: { photo }, catalogue }: App): number {
  if (!photo || !catalogue) return FIRST_SIDE;
  const longer = Math.max(photo.width, photo.height);
  const most = longer * Math.max(...catalogue.models.map(({ scale }) => scale));
  return Math.min(most, Math.max(FIRST_SIDE, 2 * longer));
}

/** Uses the model that has what was chosen, and otherwise is as the one before. */
function select(app: App, wanted: Partial<Pick<Model, "label" | "scale">>): void {
  const { wantedModel: model, catalogue } = app;
  if (!model || !catalogue) return;
  const { label = model.label, scale = model.scale } = wanted;
  const found =
    findModel(catalogue, label, scale) ??
    catalogue.models.find((other) => other.label === wanted.label || other.scale === wanted.scale);
  if (found) void app.useModel(found);
}

/** A row of keys, of which one is pressed. */
class Row {
  readonly element = document.createElement("fieldset");
  private readonly legend = document.createElement("legend");

  constructor(
    id: string,
    private readonly kind: "size" | "speed",
    values: readonly string[],
    choose: (value: string) => void,
  ) {
    this.element.className = "segments";
    this.element.dataset.choice = kind;
    this.element.append(this.legend, ...values.map((value) => key(`${id}-${kind}`, value, choose)));
  }

  show({ isBusy, engine }: App, name: (value: string) => string, chosen: string): void {
    this.legend.textContent = t(this.kind);
    this.element.disabled = isBusy || !engine;
    for (const input of this.element.querySelectorAll("input")) {
      input.checked = input.value === chosen;
      if (input.nextElementSibling) input.nextElementSibling.textContent = name(input.value);
    }
  }
}

/** Where the longer side's pixels are written. */
class SideField {
  readonly element = document.createElement("label");
  private readonly words = document.createElement("span");
  private readonly input = document.createElement("input");

  constructor(
    private readonly app: App,
    id: string,
  ) {
    this.element.className = "side-field";
    this.input.id = `${id}-side`;
    this.input.type = "number";
    this.input.inputMode = "numeric";
    this.input.min = "1";
    this.input.addEventListener("input", () => {
      if (this.input.valueAsNumber >= 1) app.aimAt(Math.round(this.input.valueAsNumber));
    });
    this.element.append(this.words, this.input);
  }

  show(): void {
    const { side, isBusy } = this.app;
    this.element.hidden = side === null;
    this.words.textContent = t("side");
    this.input.disabled = isBusy;
    if (side !== null && document.activeElement !== this.input) this.input.value = String(side);
  }
}

function key(name: string, value: string, choose: (value: string) => void): HTMLLabelElement {
  const label = document.createElement("label");
  const input = document.createElement("input");
  input.type = "radio";
  input.name = name;
  input.value = value;
  input.addEventListener("change", () => choose(value));
  label.append(input, document.createElement("span"));
  return label;
}

function unique<Value>(values: readonly Value[]): Value[] {
  return [...new Set(values)];
}

function rank(label: string): number {
  const place = FAMILY_ORDER.indexOf(label);
  return place < 0 ? FAMILY_ORDER.length : place;
}
