/** Size and quality in words for people: they choose the model. */

import type { App } from "../app/app";
import { estimateSeconds } from "../app/upscale";
import { block } from "../dom";
import { findModel, type Model } from "../engine/catalogue";
import { duration, onLanguage, t } from "../i18n";
import { familyName } from "./names";

const FAMILY_ORDER = ["fast", "balanced", "accurate"];

/** How long the photo that is open will take, in words; nothing if that is not known. */
export function timeText({ engine, model, viewer: { photo } }: App): string {
  const seconds = engine && model && photo ? estimateSeconds(engine, model, photo) : 0;
  return seconds ? t("saveTime", { time: duration(seconds) }) : "";
}

/** Puts the two rows of choices before what an element has. */
export function attachModelChoice(app: App, id: string): void {
  app.onCatalogue(({ models }) => {
    const scales = unique(models.map(({ scale }) => scale)).sort((a, b) => a - b);
    const labels = unique(models.map(({ label }) => label)).sort((a, b) => rank(a) - rank(b));
    const size = new Row(id, "size", scales.map(String), (scale) => select(app, { scale: +scale }));
    const speed = new Row(id, "speed", labels, (label) => select(app, { label }));
    block(id).prepend(size.element, speed.element);
    const show = (): void => {
      size.show(app, (scale) => `${scale}×`, String(app.wantedModel?.scale));
      speed.show(app, familyName, app.wantedModel?.label ?? "");
    };
    app.onChange(show);
    onLanguage(show);
  });
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

  show({ job, engine }: App, name: (value: string) => string, chosen: string): void {
    this.legend.textContent = t(this.kind);
    this.element.disabled = job.running || !engine; // the engine keeps the network that is at work
    for (const input of this.element.querySelectorAll("input")) {
      input.checked = input.value === chosen;
      if (input.nextElementSibling) input.nextElementSibling.textContent = name(input.value);
    }
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
