import { describe, expect, it } from "vitest";
import { exifOf, tellsPlace } from "../src/imaging/exif";
import { fileOf } from "./files";

const size = { width: 70_000, height: 30 };

/** Little-endian, with directories that are given as [tag, type, values, value]. */
function blockOf(
  entries: readonly (readonly number[])[],
  next = 0,
  ...rest: number[][]
): Uint8Array {
  const table = entries.flatMap(([tag = 0, kind = 0, count = 0, value = 0]) => [
    ...little(tag, 2),
    ...little(kind, 2),
    ...little(count, 4),
    ...little(value, 4),
  ]);
  const directory = [...little(entries.length, 2), ...table, ...little(next, 4)];
  return fileOf("II", [42, 0, 8, 0, 0, 0], directory, rest.flat());
}

function little(value: number, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, at) => (value >>> (8 * at)) & 255);
}

const at = (block: Uint8Array | null, offset: number): number =>
  new DataView((block as Uint8Array).buffer).getUint32(offset, true);

describe("EXIF of an enlarged picture", () => {
  it("says its size and that it is upright, in larger numbers where it must", () => {
    const block = blockOf([
      [0x0100, 3, 1, 20],
      [0x0101, 3, 1, 10],
      [0x0112, 3, 1, 8],
    ]);
    const found = exifOf(block, size, true);
    expect([at(found, 10 + 8), at(found, 22 + 8), at(found, 34 + 8)]).toEqual([70_000, 30, 1]);
    expect(found?.[12]).toBe(4); // a long
  });

  it("has no place unless it is wished, not even beside the directory", () => {
    const gps = [...little(1, 2), ...little(2, 2), ...little(5, 2), ...little(1, 4)];
    const values = [...little(52, 4), ...little(0, 4), ...[7, 7, 7, 7, 8, 8, 8, 8]];
    const block = blockOf(
      [
        [0x8825, 4, 1, 34],
        [0x0112, 3, 1, 1],
      ],
      0,
      gps,
      values,
    );
    block.set(little(38, 4), 10 + 8);
    block.set(
      [...little(1, 2), ...little(2, 2), ...little(5, 2), ...little(1, 4), ...little(56, 4)],
      38,
    );
    expect(tellsPlace(block)).toBe(true);
    const kept = exifOf(block, size, true);
    expect(kept && tellsPlace(kept)).toBe(true);
    const found = exifOf(block, size, false) as Uint8Array;
    expect(tellsPlace(found)).toBe(false);
    expect([found[8], found[10], found[11]]).toEqual([1, 0x12, 0x01]); // the other entry moved up
    expect(found.subarray(38).every((byte) => byte === 0)).toBe(true);
  });

  it("has no thumbnail", () => {
    const second = [
      ...little(2, 2),
      ...[...little(0x0201, 2), ...little(4, 2), ...little(1, 4), ...little(56, 4)],
      ...[...little(0x0202, 2), ...little(4, 2), ...little(1, 4), ...little(3, 4)],
      ...little(0, 4),
    ];
    const block = blockOf([[0x0112, 3, 1, 6]], 26, second, [1, 2, 3]);
    const found = exifOf(block, size, true);
    expect(found).toHaveLength(56);
    expect(at(found, 22)).toBe(0);
  });

  it.each([
    [[]],
    [[...new TextEncoder().encode("no TIFF at all, whatever it says")]],
    [[...blockOf([[0x8825, 4, 1, 9999]])]], // the place lies beyond the end
    [[...blockOf([[0x0112, 3, 1, 1]]).subarray(0, 15)]],
  ])("is given up where it is damaged: %j", (bytes) => {
    expect(exifOf(Uint8Array.from(bytes), size, false)).toBeNull();
  });

  it.each([0x8769, 0x8825])("ends though directory %i is the first one again", (tag) => {
    const block = blockOf([[tag, 4, 1, 8]], 8);
    expect(exifOf(block, size, false)?.length).toBe(block.length);
  });
});
