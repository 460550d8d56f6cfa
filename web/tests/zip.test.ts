import { describe, expect, it } from "vitest";
import { crc32 } from "../src/imaging/crc32";
import { distinctNames, zipFiles } from "../src/imaging/zip";

describe("a checksum", () => {
  it("goes on from one piece to the next", () => {
    const bytes = new TextEncoder().encode("123456789");
    expect(crc32(bytes)).toBe(0xcbf43926); // the one by which CRC-32 is known
    expect(crc32(bytes.subarray(4), crc32(bytes.subarray(0, 4)))).toBe(0xcbf43926);
  });
});

describe("a ZIP", () => {
  it("of more than 4 GB is refused in words", () => {
    const blob = { size: 2 ** 31 } as Blob; // only its size is asked for
    const entry = { name: "a.png", blob, crc32: 0 };
    expect(() => zipFiles([entry, { ...entry, name: "b.png" }], new Date())).toThrow("zipTooLarge");
  });
});

describe("names", () => {
  it.each([
    [
      ["a.png", "b.png"],
      ["a.png", "b.png"],
    ],
    [
      ["a.png", "A.PNG", "a.png"],
      ["a.png", "A (2).PNG", "a (3).png"],
    ],
    [
      ["a.png", "a (2).png", "a.png"],
      ["a.png", "a (2).png", "a (3).png"],
    ],
    [
      ["no ending", "no ending"],
      ["no ending", "no ending (2)"],
    ],
  ])("%j become %j", (names, expected) => {
    expect(distinctNames(names)).toEqual(expected);
  });
});
