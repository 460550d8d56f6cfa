/** Enlarges the photos of the queue, each by the model and the clean-up that suit it. */

import { AppError } from "../errors";
import { t } from "../i18n";
import type { App } from "./app";
import { enlarge, type Result } from "./job";
import { closePhoto, openPhoto } from "./photo";
import type { Item } from "./queue";
import type { Writing } from "./upscale";

/** Resolves when no photo waits any more; each that fails says why itself. */
export async function enlargeQueue(app: App, writing: Writing): Promise<void> {
  if (app.isBusy) return;
  await app.queue.run((item, signal, onProgress) =>
    enlargeItem(app, item, writing, signal, onProgress),
  );
}

async function enlargeItem(
  app: App,
  { file, name }: Item,
  writing: Writing,
  signal: AbortSignal,
  onProgress: (share: number) => void,
): Promise<Result> {
  const { engine, pixels } = app;
  const photo = await openPhoto(pixels, file, name, signal);
  try {
    const plan = app.plan(photo);
    if (!engine || !plan) throw new AppError("errorEngine", { reason: t("engineStarting") });
    return await enlarge(engine, pixels, { photo, ...plan, ...writing, signal, onProgress });
  } catch (error) {
    app.noteTwin(error);
    throw error;
  } finally {
    closePhoto(photo);
  }
}
