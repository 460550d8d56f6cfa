import { t } from "../i18n";
import type { Loss } from "../imaging/losses";

const WORDS = {
  animation: "lossAnimation",
  transparency: "lossTransparency",
  depth: "lossDepth",
  gamut: "lossGamut",
  metadata: "lossMetadata",
} as const satisfies Record<Loss, string>;

/** What is lost, in sentences. */
export function lossesText(losses: readonly Loss[]): string {
  return losses.map((loss) => t(WORDS[loss])).join(" ");
}
