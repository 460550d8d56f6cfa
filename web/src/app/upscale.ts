/** Enlarges the whole photo, tile by tile, into a file. */

import type { Bridge } from "../engine/bridge";
import type { Model } from "../engine/catalogue";
import type { Engine } from "../engine/engine";
import type { Network } from "../engine/restore";
import type { Levels } from "../imaging/levels";
import type { OutputFormat } from "../imaging/output";
import type { PixelsApi } from "../imaging/pixels.worker";
import { times } from "../tiles/rects";
import { coreOf, planTiles, type Tile, tileSide, windowOf } from "../tiles/tiles";
import { RUN_BYTES } from "../view/layers";
import type { Size } from "../view/view";
import { type Keep, openSource, outputOf, type Source } from "./keep";
import type { Photo } from "./photo";

export interface Task {
  readonly photo: Photo;
  readonly network: Network;
  readonly format: OutputFormat;
  /** 0..1, for JPEG and WebP. */
  readonly quality: number;
  readonly keep: Keep;
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

/**
 * Enlarges a photo.
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
  const { photo, network, quality, signal } = task;
  const { model } = network;
  const size = { width: photo.width * model.scale, height: photo.height * model.scale };
  const source = await openSource(pixels, task, signal);
  await pixels.call("encode", { ...outputOf(task, source, size), quality }, { signal });
  try {
    await runTiles(engine, pixels, { ...task, source }, planPhoto(engine, model, photo));
    return await pixels.call("finish", undefined, { signal });
  } catch (error) {
    await pixels.call("abort", undefined);
    throw error;
  }
}

/** How long a photo will take, by what earlier ones took. */
export function estimateSeconds(engine: Engine, model: Model, photo: Size): number {
  const tiles = planPhoto(engine, model, photo);
  return (engine.expectedMsPerPixel(model) * computedPixels(tiles)) / 1000;
}

/** LR pixels that go through the network: those of the photo, and of each tile's context. */
function computedPixels(tiles: readonly Tile[]): number {
  return tiles.map(windowOf).reduce((sum, { width, height }) => sum + width * height, 0);
}

function planPhoto(engine: Engine, model: Model, photo: Size): Tile[] {
  const cost = {
    halo: model.halo,
    valuesPerPixel: model.values_per_pixel,
    msPerPixel: engine.msPerPixel(model),
  };
  const isEnough = (navigator.deviceMemory ?? 0) >= ENOUGH_GIGABYTES;
  const side = tileSide(cost, isEnough ? JOB_BYTES : RUN_BYTES, RUN_MS);
  const rows = Math.floor(BAND_BYTES / (3 * photo.width * model.scale ** 2));
  return planTiles(photo.height, photo.width, Math.max(16, Math.min(side, rows)), model.halo);
}

interface Running extends Task {
  readonly source: Source;
}

async function runTiles(
  engine: Engine,
  pixels: Bridge<PixelsApi>,
  task: Running,
  tiles: readonly Tile[],
): Promise<void> {
  let written: Promise<void> = Promise.resolve();
  const begun = performance.now();
  let next = tiles[0] && startTile(engine, task, tiles[0]);
  for (const [index, tile] of tiles.entries()) {
    const current = next;
    const following = tiles[index + 1];
    next = following && startTile(engine, task, following);
    next?.catch(() => {}); // told when its turn comes, unless an earlier one ends the job
    const levels = await current;
    await written; // no more than one tile waits for the encoder
    if (levels) written = writeTile(pixels, task, tile, levels);
    written.catch(() => {});
    const done = computedPixels(tiles.slice(0, index + 1));
    engine.learn(task.network.model, (performance.now() - begun) / done);
    task.onProgress((index + 1) / tiles.length);
  }
  await written;
}

async function startTile(
  engine: Engine,
  { photo: { space }, network, source, signal }: Running,
  tile: Tile,
): Promise<Levels> {
  signal.throwIfAborted();
  const { x, y, ...size } = windowOf(tile);
  const window = await source.take({ x, y, ...size });
  const core = coreOf(tile);
  const inside = { ...core, x: core.x - x, y: core.y - y };
  const work = { network, window, space, core: inside, signal };
  return (await engine.pixels(work, source.alpha)).data;
}

function writeTile(
  bridge: Bridge<PixelsApi>,
  { network: { model }, signal }: Running,
  tile: Tile,
  pixels: Levels,
): Promise<void> {
  const place = times(coreOf(tile), model.scale);
  return bridge.call("add", { pixels, place }, { signal, transfer: [pixels.buffer] });
}
