import { Bytes } from "./bytes";

/** Where the table of tags begins, and the length of its entries. */
const [TABLE, ENTRY] = [128, 12] as const;
/** How far a profile's colours reach. */
export type Gamut = "srgb" | "display-p3" | "wider";

/** From these on red's x and green's x (under D50) lie outside of sRGB (0.648, 0.321) and of P3. */
const [SRGB_RED, SRGB_GREEN] = [0.665, 0.305] as const;
const [P3_RED, P3_GREEN] = [0.69, 0.275] as const;

/** Whether a colour profile reaches beyond sRGB, and beyond Display P3: as Adobe RGB, ProPhoto. */
export function gamutOf(profile: Uint8Array): Gamut {
  const file = new Bytes(profile);
  const red = chromaticity(file, "rXYZ") ?? 0;
  const green = chromaticity(file, "gXYZ") ?? 1;
  if (red > P3_RED || green < P3_GREEN) return "wider";
  return red > SRGB_RED || green < SRGB_GREEN ? "display-p3" : "srgb";
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
