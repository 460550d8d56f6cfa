/** The order and the sides of a study's pairs. */

import { seededRandom, shuffled } from "./random";

export type Content = "images" | "jpeg" | "text";
export type Side = "left" | "right";

/** A picture that is judged. */
export interface Item {
  readonly content: Content;
  /** Names the picture in the results. */
  readonly name: string;
}

export interface Trial<Kind extends Item = Item> {
  readonly item: Kind;
  /** Where SplitSR's picture is. */
  readonly sharpSide: Side;
}

/**
 * Orders the items and gives each its sides, as the seed has it. For each kind of content SplitSR is
 * left as often as right, or once more.
 */
export function planTrials<Kind extends Item>(items: readonly Kind[], seed: number): Trial<Kind>[] {
  const random = seededRandom(seed);
  const sides = new Map(
    [...new Set(items.map(({ content }) => content))].map((content) => {
      const count = items.filter((item) => item.content === content).length;
      return [content, shuffled(evenSides(count, random), random)];
    }),
  );
  return shuffled(items, random).map((item) => ({
    item,
    sharpSide: sides.get(item.content)?.pop() ?? "left",
  }));
}

function evenSides(count: number, random: () => number): Side[] {
  const first: Side = random() < 0.5 ? "left" : "right";
  const second: Side = first === "left" ? "right" : "left";
  return Array.from({ length: count }, (_, index) => (index % 2 ? second : first));
}

/**
 * What an answer says of SplitSR.
 *
 * @param answer -2 (left, clearly) to 2 (right, clearly)
 * @returns 2 strongly for SplitSR to -2 strongly for the other picture
 */
export function preferenceOf(answer: number, sharpSide: Side): number {
  return sharpSide === "right" ? answer : 0 - answer;
}
