/**
 * How strongly a photo is cleaned up: the share that the model's twin has in its weights, as the
 * Python package chooses it (`runtime/restore.py`).
 */

import type { Degradation } from "../imaging/degradation";
import { recall } from "../preferences";
import type { Catalogue, Model, StrengthTable, Twin } from "./catalogue";

export const RESTORES = ["auto", "off", "strong"] as const;
export type Restore = (typeof RESTORES)[number];

/** A model with a share of its twin: what is run. */
export interface Network {
  readonly model: Model;
  /** 0 to 1; at 0 the twin is not needed. */
  readonly strength: number;
}

/** What a photo is cleaned of, most of all; `strong` of whatever there is. */
export type Cleaned = "strong" | "noise" | "heavy" | "light";

export interface Choice extends Network {
  readonly cleaned: Cleaned | null;
}

/** Of strength from 0 to 1, so that few networks serve many photos. */
const STEPS = 8;
/** From this strength on, traces of compression are heavy. */
const HEAVY = 0.75;

export function rememberedRestore(): Restore {
  return RESTORES.find((restore) => restore === recall("restore")) ?? "auto";
}

/** The network that suits a photo; no degradation stands for a lossless one. */
export function chooseNetwork(
  { assumedQuality }: Catalogue,
  model: Model,
  restore: Restore,
  degradation: Degradation | null,
): Choice {
  const clean = { model, strength: 0, cleaned: null };
  if (!model.twin || restore === "off") return clean;
  if (restore === "strong") return { model, strength: 1, cleaned: "strong" };
  if (!degradation) return clean;
  const { noise, quality } = degradation;
  const at = (level: number): number =>
    strengthAt((model.twin as Twin).strengths, quality ?? assumedQuality, level);
  return { model, strength: at(noise), cleaned: mostOf(at(noise), at(0)) };
}

/** What a strength is for, by the one that a photo without noise would get. */
function mostOf(strength: number, withoutNoise: number): Cleaned | null {
  if (strength === 0) return null;
  if (withoutNoise < strength / 2) return "noise";
  return strength >= HEAVY ? "heavy" : "light";
}

/** The strength by bilinear interpolation, in steps of 1/8. */
export function strengthAt(table: StrengthTable, quality: number, noise: number): number {
  const rows = table.strength.map((row) => interpolate(quality, table.quality, row));
  return roundHalfEven(interpolate(noise, table.noise, rows) * STEPS) / STEPS;
}

/** Linear between places that ascend; beyond them as at the nearest. */
function interpolate(at: number, places: readonly number[], values: readonly number[]): number {
  const next = places.findIndex((place) => place > at);
  if (next === 0) return values[0] as number;
  if (next < 0) return values.at(-1) as number;
  const [left, right] = [places[next - 1], places[next]] as [number, number];
  const [low, high] = [values[next - 1], values[next]] as [number, number];
  return ((high - low) / (right - left)) * (at - left) + low;
}

/** As Python rounds. */
export function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  const isTie = value - below === 0.5;
  return isTie ? below + (below % 2) : Math.round(value);
}
