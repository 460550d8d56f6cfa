/** Which model the app starts with, and on what. */

import { type Catalogue, defaultModel, findModel, type Model } from "./catalogue";
import { Engine } from "./engine";
import { AppError } from "./errors";
import { recall } from "./preferences";
import { timings } from "./timings";
import { showError, showInfo } from "./ui/toast";

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

/**
 * Starts the engine with the model that was chosen, or with one that suits the device.
 *
 * @throws AppError the model is damaged or missing, or no backend works
 */
export async function startEngine(
  catalogue: Catalogue,
  chosen: Model | null,
  { backend }: Wishes,
): Promise<{ engine: Engine; model: Model }> {
  const model = chosen ?? defaultModel(catalogue);
  const engine = await Engine.start(model, backend);
  timings.engineReadyMs = performance.now();
  return { engine, model: chosen ?? (await lighten(engine, model, catalogue)) };
}

/** Goes to the smallest network of the family if the default is too slow for the device. */
async function lighten(engine: Engine, model: Model, catalogue: Catalogue): Promise<Model> {
  const lighter = findModel(catalogue, model.label, 2);
  const seconds = (engine.msPerPixel(model) ?? 0) * 1000;
  if (seconds <= SLOW_S_PER_MEGAPIXEL || !lighter) return model;
  await engine.use({ model: lighter, strength: 0 });
  showInfo("slowDevice", { slow: model.scale, fast: lighter.scale });
  return lighter;
}
