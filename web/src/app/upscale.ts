/** Enlarges a photo, or a part of it, tile by tile, into a file. */

import type { Bridge } from "../engine/bridge";
import type { Model } from "../engine/catalogue";
import type { Engine } from "../engine/engine";
import type { Levels } from "../imaging/levels";
import type { OutputFormat } from "../imaging/output";
import type { PixelsApi } from "../imaging/pixels.worker";
import { grow, intersect, move, times, wholeOf } from "../tiles/rects";
import { coreOf, planTiles, type Rect, tileSide, windowOf } from "../tiles/tiles";
import { RUN_BYTES } from "../view/layers";
import type { Size } from "../view/view";
import { type Keep, openSource, outputOf, type Source } from "./keep";
import type { Photo } from "./photo";
import type { Plan } from "./plan";

/** What a file is written as. */
export interface Writing {
  readonly format: OutputFormat;
  /** 0..1, for JPEG and WebP. */
  readonly quality: number;
  readonly keep: Keep;
}

/** What decides how a result looks. */
export interface Choices extends Plan, Writing {}

export interface Task extends Choices {
  readonly photo: Photo;
  readonly signal: AbortSignal;
  /** Called after each tile with the share that is done, 0..1. */
  readonly onProgress: (share: number) => void;
}

/** A run of a tile may take this long: a cancel waits for it in the worker, not on the page. */
const RUN_MS = 1500;
/** Memory that a run may take where there is enough: less is computed twice, around each tile. */
const JOB_BYTES = 256 * 2 ** 20;
const ENOUGH_GIGABYTES = 4;
/** A row of tiles waits whole for the encoder: three bytes for each pixel, or eight at most. */
const BAND_BYTES = 48 * 2 ** 20;

/** One run of the network: what it is given of the photo, and what is kept of that. */
interface Piece {
  readonly window: Rect;
  readonly core: Rect;
}

/**
 * Enlarges a photo, or a part of it as it would be in the whole.
 *
 * Beside the photo, memory holds one row of tiles and what the engine takes for two tiles; for JPEG
 * and WebP also the canvas.
 *
 * @throws AppError a format cannot be written; AbortError if cancelled
 */
export async function upscalePhoto(
  engine: Engine,
  pixels: Bridge<PixelsApi>,
  task: Task,
): Promise<Blob> {
  const { photo, part, size, quality, signal } = task;
  const { model } = task.network;
  const from = { width: part.width * model.scale, height: part.height * model.scale };
  const source = await openSource(pixels, task, signal);
  await pixels.call("encode", { ...outputOf(task, source, size), quality, from }, { signal });
  try {
    await runPieces(engine, pixels, { ...task, source }, planPieces(engine, model, photo, part));
    return await pixels.call("finish", undefined, { signal });
  } catch (error) {
    await pixels.call("abort", undefined);
    throw error;
  }
}

/** How long a part of a photo will take, by what earlier ones took. */
export function estimateSeconds(engine: Engine, model: Model, photo: Size, part: Rect): number {
  const pieces = planPieces(engine, model, photo, part);
  return (engine.expectedMsPerPixel(model) * computedPixels(pieces)) / 1000;
}

/** LR pixels that go through the network: those of the photo, and of each piece's context. */
function computedPixels(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { window: { width, height } }) => sum + width * height, 0);
}

/** Plans a part with its context in the photo, and keeps the part. */
function planPieces(engine: Engine, model: Model, photo: Size, part: Rect): Piece[] {
  const { halo, scale } = model;
  const cost = {
    halo,
    valuesPerPixel: model.values_per_pixel,
    msPerPixel: engine.msPerPixel(model),
  };
  const isEnough = (navigator.deviceMemory ?? 0) >= ENOUGH_GIGABYTES;
  const side = tileSide(cost, isEnough ? JOB_BYTES : RUN_BYTES, RUN_MS);
  const rows = Math.floor(BAND_BYTES / (3 * part.width * scale ** 2));
  const around = grow(part, halo, wholeOf(photo));
  const tile = Math.max(16, Math.min(side, rows));
  return planTiles(around.height, around.width, tile, halo).flatMap((planned) => {
    const core = intersect(move(coreOf(planned), around), part);
    return core ? [{ window: move(windowOf(planned), around), core }] : [];
  });
}

interface Running extends Task {
  readonly source: Source;
}

async function runPieces(
  engine: Engine,
  pixels: Bridge<PixelsApi>,
  task: Running,
  pieces: readonly Piece[],
): Promise<void> {
  let written: Promise<void> = Promise.resolve();
  const begun = performance.now();
  let done = 0;
  let next = pieces[0] && startPiece(engine, task, pieces[0]);
  for (const [index, piece] of pieces.entries()) {
    const current = next;
    const following = pieces[index + 1];
    next = following && startPiece(engine, task, following);
    next?.catch(() => {}); // told when its turn comes, unless an earlier one ends the job
    const levels = await current;
    await written; // no more than one tile waits for the encoder
    if (levels) written = writePiece(pixels, task, piece, levels);
    written.catch(() => {});
    done += computedPixels([piece]);
    engine.learn(task.network.model, (performance.now() - begun) / done);
    task.onProgress((index + 1) / pieces.length);
  }
  await written;
}

async function startPiece(
  engine: Engine,
  { photo: { space }, network, source, signal }: Running,
  { window, core }: Piece,
): Promise<Levels> {
  signal.throwIfAborted();
  const taken = await source.take(window);
  const inside = move(core, { x: -window.x, y: -window.y });
  const work = { network, window: taken, space, core: inside, signal };
  return (await engine.pixels(work, source.alpha)).data;
}

function writePiece(
  bridge: Bridge<PixelsApi>,
  { network: { model }, part, signal }: Running,
  { core }: Piece,
  pixels: Levels,
): Promise<void> {
  const place = times(move(core, { x: -part.x, y: -part.y }), model.scale);
  return bridge.call("add", { pixels, place }, { signal, transfer: [pixels.buffer] });
}
