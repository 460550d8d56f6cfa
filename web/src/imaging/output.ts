/** What a result may be saved as, and how large it may be then. */

export type OutputFormat = "png" | "jpeg" | "webp";

export const OUTPUT_FORMATS: readonly OutputFormat[] = ["png", "jpeg", "webp"];

/**
 * Pixels that a canvas is asked for at most: 256 MiB. JPEG and WebP are encoded by the browser from
 * a canvas, which holds the whole result; PNG is written row by row and has no such limit.
 */
const CANVAS_PIXELS = 2 ** 26;

const LONGEST: Readonly<Record<OutputFormat, number>> = {
  png: 2 ** 31 - 1,
  jpeg: 32767,
  webp: 16383,
};

/** Whether a result of this size can be saved in a format. */
export function fits(format: OutputFormat, width: number, height: number): boolean {
  if (Math.max(width, height) > LONGEST[format]) return false;
  return format === "png" || width * height <= CANVAS_PIXELS;
}

/** The most megapixels for JPEG and WebP, to tell. */
export const CANVAS_MEGAPIXELS = Math.floor(CANVAS_PIXELS / 1e6);

/** `photo.jpg` enlarged 4 times (`x4`), as PNG: `photo_x4.png`. */
export function outputName(name: string, label: string, format: OutputFormat): string {
  const stem = name.replace(/\.[^./\\]{1,5}$/, "") || "photo";
  return `${stem}_${label}.${format === "jpeg" ? "jpg" : format}`;
}
