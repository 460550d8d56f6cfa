/** The models that the host offers: `models/index.json`, as far as the app reads it. */

import { AppError } from "../errors";

/** A file with a network's weights. */
export interface ModelFile {
  /** `splitsr-fast-x4` */
  readonly name: string;
  readonly file: string;
  readonly sha256: string;
}

/** The best strength by quality and noise, both ascending: a row for each noise. */
export interface StrengthTable {
  readonly quality: readonly number[];
  readonly noise: readonly number[];
  readonly strength: readonly (readonly number[])[];
}

/** The network of a model, trained for degraded photos. */
export interface Twin extends ModelFile {
  readonly strengths: StrengthTable;
}

export interface Model extends ModelFile {
  /** `fast` */
  readonly label: string;
  readonly scale: number;
  readonly bytes: number;
  readonly parameters: number;
  /** Multiplications for a result of 1280x720. */
  readonly multi_adds_720p: number;
  /** Receptive radius in LR pixels. */
  readonly halo: number;
  /** Values that the engine holds at once for one LR pixel. */
  readonly values_per_pixel: number;
  readonly psnr_y: Readonly<Record<string, number>>;
  /** A small picture and what the Python runtime makes of it, to check a backend by. */
  readonly golden: { readonly lr: string; readonly sr: string };
  readonly twin: Twin | null;
}

export interface StudyPicture {
  readonly kind: string;
  readonly file: string;
}

export interface Catalogue {
  readonly version: string;
  /** Of a file that was compressed with loss and does not tell how much. */
  readonly assumedQuality: number;
  readonly models: readonly Model[];
  readonly study: readonly StudyPicture[];
}

const DEFAULT_MODEL = "splitsr-fast-x4";

/** Where the host puts a file of the catalogue. */
export function modelUrl(file: string): string {
  return new URL(`models/${file}`, document.baseURI).href;
}

/**
 * Fetches the catalogue.
 *
 * @throws AppError it is not there, or is none
 */
export async function fetchCatalogue(): Promise<Catalogue> {
  const response = await fetch(modelUrl("index.json")).catch(() => null);
  if (!response?.ok) throw new AppError("errorNoModels");
  const found: unknown = await response.json().catch(() => null);
  return parseCatalogue(found);
}

/**
 * Checks that a catalogue has what the app reads of it.
 *
 * @throws AppError it has not
 */
export function parseCatalogue(found: unknown): Catalogue {
  const { version, assumed_quality, models, study } = record(found);
  if (typeof version !== "string" || !Array.isArray(models) || models.length === 0) {
    throw new AppError("errorNoModels");
  }
  return {
    version,
    assumedQuality: count(assumed_quality),
    models: models.map(parseModel),
    study: (Array.isArray(study) ? study : []).map(parsePicture),
  };
}

function parseModel(found: unknown): Model {
  const { golden, psnr_y, twin, ...fields } = record(found);
  const { lr, sr } = record(golden);
  return {
    ...parseFile(fields),
    label: text(fields.label),
    scale: count(fields.scale),
    bytes: count(fields.bytes),
    parameters: count(fields.parameters),
    multi_adds_720p: count(fields.multi_adds_720p),
    halo: count(fields.halo),
    values_per_pixel: count(fields.values_per_pixel),
    psnr_y: record(psnr_y) as Record<string, number>,
    golden: { lr: text(lr), sr: text(sr) },
    twin: twin ? parseTwin(record(twin)) : null,
  };
}

function parseFile({ name, file, sha256 }: Record<string, unknown>): ModelFile {
  return { name: text(name), file: text(file), sha256: text(sha256) };
}

function parseTwin(fields: Record<string, unknown>): Twin {
  const { quality, noise, strength } = record(fields.strengths);
  const strengths = {
    quality: list(quality).map(count),
    noise: list(noise).map(count),
    strength: list(strength).map((row) => list(row).map(count)),
  };
  return { ...parseFile(fields), strengths };
}

function parsePicture(found: unknown): StudyPicture {
  const { kind, file } = record(found);
  return { kind: text(kind), file: text(file) };
}

/** The model to start with: the fast one for x4, or the first there is. */
export function defaultModel({ models }: Catalogue): Model {
  const model = models.find(({ name }) => name === DEFAULT_MODEL) ?? models[0];
  if (!model) throw new AppError("errorNoModels");
  return model;
}

/** The model of a family for a scale, if there is one. */
export function findModel({ models }: Catalogue, label: string, scale: number): Model | undefined {
  return models.find((model) => model.label === label && model.scale === scale);
}

function record(found: unknown): Record<string, unknown> {
  if (found && typeof found === "object") return found as Record<string, unknown>;
  throw new AppError("errorNoModels");
}

function list(found: unknown): unknown[] {
  if (Array.isArray(found) && found.length > 0) return found;
  throw new AppError("errorNoModels");
}

function text(found: unknown): string {
  if (typeof found === "string" && found) return found;
  throw new AppError("errorNoModels");
}

function count(found: unknown): number {
  if (typeof found === "number" && found >= 0) return found;
  throw new AppError("errorNoModels");
}
