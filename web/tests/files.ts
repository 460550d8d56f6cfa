/** Small picture files, put together byte by byte. */

type Part = string | readonly number[] | Uint8Array;

/** Letters and bytes, one after the other. */
export function fileOf(...parts: readonly Part[]): Uint8Array {
  return Uint8Array.from(
    parts.flatMap((part) =>
      typeof part === "string" ? [...new TextEncoder().encode(part)] : [...part],
    ),
  );
}

/** A PNG that claims a size, with nothing in it. */
export function pngOf(width: number, height: number, colorType = 2): Uint8Array {
  const sizes = new Uint8Array(8);
  const view = new DataView(sizes.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
  const header = fileOf([0, 0, 0, 13], "IHDR", sizes, [8, colorType, 0, 0, 0], [0, 0, 0, 0]);
  return fileOf(signature, header, [0, 0, 0, 0], "IEND", [0xae, 0x42, 0x60, 0x82]);
}
