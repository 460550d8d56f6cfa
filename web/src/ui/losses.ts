import type { Photo } from "../app/photo";
import { t } from "../i18n";
import type { Loss } from "../imaging/carried";

const WORDS = {
  animation: "lossAnimation",
  transparency: "lossTransparency",
  depth: "lossDepth",
  gamut: "lossGamut",
  details: "lossDetails",
  metadata: "lossMetadata",
} as const satisfies Record<Loss, string>;

/** What is lost, in sentences. */
export function lossesText(losses: readonly Loss[]): string {
  return losses.map((loss) => t(WORDS[loss])).join(" ");
}

/** What of a photo is not seen as it is. */
export function shownText({ losses, clear }: Photo): string {
  const unseen = [
    losses.includes("animation") && "lossAnimation",
    clear && "shownOnWhite",
  ] as const;
  return unseen.flatMap((key) => (key ? [t(key)] : [])).join(" ");
}
