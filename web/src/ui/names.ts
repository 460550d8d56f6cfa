import type { Choice, Cleaned } from "../engine/restore";
import { t } from "../i18n";

const FAMILIES = ["fast", "balanced", "accurate"] as const;

/** A family's name in the user's language; those that the app does not know by their own. */
export function familyName(label: string): string {
  const known = FAMILIES.find((family) => family === label);
  return known ? t(known) : label;
}

const CLEANED = {
  light: "cleanedLight",
  heavy: "cleanedHeavy",
  noise: "cleanedNoise",
  strong: "cleanedStrong",
} as const satisfies Record<Cleaned, string>;

/** What a photo is cleaned of, in a few words; nothing if it is not. */
export function cleanedText({ cleaned }: Choice): string {
  return cleaned ? t(CLEANED[cleaned]) : "";
}
