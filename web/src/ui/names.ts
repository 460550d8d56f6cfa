import type { Model } from "../catalogue";
import { t } from "../i18n";

const FAMILIES = ["fast", "balanced", "accurate"] as const;

/** A family's name in the user's language; those that the app does not know by their own. */
export function familyName(label: string): string {
  const known = FAMILIES.find((family) => family === label);
  return known ? t(known) : label;
}

/** `Fast ×4` */
export function modelName({ label, scale }: Model): string {
  return t("modelChoice", { label: familyName(label), scale });
}
