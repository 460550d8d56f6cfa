/** The results as the CSV that `splitsr study analyse` reads. */

import type { Content, Side } from "./plan";

/** One pair that a participant judged. */
export interface Answer {
  readonly participant: string;
  readonly content: Content;
  readonly item: string;
  /** 2 strongly for SplitSR, 0 for neither, -2 strongly for bilinear. */
  readonly preference: number;
  /** What follows is for the record; the analysis leaves it alone. */
  readonly seed: number;
  readonly position: number;
  readonly sharp_side: Side;
  readonly model: string;
  /** The share of its twin for degraded photos. */
  readonly strength: number;
  readonly seconds: number;
}

const COLUMNS = [
  "participant",
  "content",
  "item",
  "preference",
  "seed",
  "position",
  "sharp_side",
  "model",
  "strength",
  "seconds",
] as const satisfies readonly (keyof Answer)[];

/** A header and a line for each answer. */
export function toCsv(answers: readonly Answer[]): string {
  const lines = answers.map((answer) =>
    COLUMNS.map((column) => field(answer[column] ?? "")).join(","),
  );
  return [COLUMNS.join(","), ...lines, ""].join("\r\n");
}

/** A value, in quotes where it would otherwise end early. */
function field(value: string | number): string {
  // The analysis reads line by line, so that a name cannot have lines of its own.
  const text = String(value).replace(/[\r\n]+/g, " ");
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
