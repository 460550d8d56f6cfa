import { Bytes } from "./bytes";

/** Where the table of tags begins, and the length of its entries. */
const [TABLE, ENTRY] = [128, 12] as const;
/** From these on a colour lies outside of sRGB, whose red has x 0.648 and whose green 0.321 (D50). */
const [RED_X, GREEN_X] = [0.665, 0.305] as const;

/** Whether a colour profile reaches beyond sRGB: Display P3, Adobe RGB, ProPhoto and the like. */
export function isWideGamut(profile: Uint8Array): boolean {
  const file = new Bytes(profile);
  const [red, green] = [chromaticity(file, "rXYZ"), chromaticity(file, "gXYZ")];
  return (red !== null && red > RED_X) || (green !== null && green < GREEN_X);
}

/** The x of a primary; null for profiles that have none, as those for print and gray. */
function chromaticity(file: Bytes, tag: string): number | null {
  const count = file.u32(TABLE);
  for (let entry = TABLE + 4; entry < TABLE + 4 + ENTRY * count; entry += ENTRY) {
    if (file.text(entry, 4) !== tag) continue;
    const at = file.u32(entry + 4) + 8;
    const [x, y, z] = [0, 4, 8].map((offset) => file.u32(at + offset) | 0) as [
      number,
      number,
      number,
    ];
    return x / (x + y + z);
  }
  return null;
}
