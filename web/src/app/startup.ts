/** Which model the app starts with. */

import { type Catalogue, findModel, type Model } from "../engine/catalogue";
import type { Engine } from "../engine/engine";
import { AppError } from "../errors";
import { recall } from "../preferences";
import { showError } from "../ui/toast";

/** What the page's address asks for. */
export interface Wishes {
  readonly backend: string | null;
  readonly model: string | null;
}

/** A device that takes longer than this for a megapixel gets a lighter network to start with. */
const SLOW_S_PER_MEGAPIXEL = 30;

/** The model that the address names, or the one used last; null if somebody is yet to choose. */
export function chosenModel({ models }: Catalogue, { model: wished }: Wishes): Model | null {
  const find = (wanted: string | null): Model | undefined =>
    models.find(({ name }) => name === wanted);
  if (wished && !find(wished)) showError(new AppError("unknownModel", { model: wished }));
  return find(wished) ?? find(recall("model")) ?? null;
}

/** The smallest network of a model's family, if the model is too slow for the device. */
export function lighterModel(engine: Engine, model: Model, catalogue: Catalogue): Model | null {
  const seconds = (engine.msPerPixel(model) ?? 0) * 1000;
  const lighter = findModel(catalogue, model.label, 2);
  return seconds > SLOW_S_PER_MEGAPIXEL && lighter && lighter !== model ? lighter : null;
}

/** Waits for a moment in which the page has nothing to do. */
export function idle(): Promise<void> {
  return new Promise((resolve) => {
    if ("requestIdleCallback" in globalThis)
      requestIdleCallback(() => resolve(), { timeout: 2000 });
    else setTimeout(resolve, 200); // Safari
  });
}
