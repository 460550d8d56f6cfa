import { describe, expect, it } from "vitest";
import { fits, OUTPUT_FORMATS, outputName } from "../src/imaging/output";

describe("a result's name", () => {
  it.each([
    ["photo.jpg", "x4", "png", "photo_x4.png"],
    ["IMG_0042.HEIC", "x2", "jpeg", "IMG_0042_x2.jpg"],
    ["휴가 사진.webp", "x3", "webp", "휴가 사진_x3.webp"],
    ["no ending", "x4", "png", "no ending_x4.png"],
    ["v1.2 final.tar.png", "x4", "png", "v1.2 final.tar_x4.png"],
    [".png", "x4", "png", "photo_x4.png"],
    ["photo.jpg", "1024px_crop", "png", "photo_1024px_crop.png"],
  ] as const)("of %s, %s as %s, is %s", (name, label, format, expected) => {
    expect(outputName(name, label, format)).toBe(expected);
  });
});

describe("a result's size", () => {
  it("of 12 megapixels at x4 is PNG's alone", () => {
    const found = OUTPUT_FORMATS.filter((format) => fits(format, 16000, 12000));
    expect(found).toEqual(["png"]);
  });

  it("may be as long as the format allows", () => {
    expect(fits("webp", 16383, 100)).toBe(true);
    expect(fits("webp", 16384, 100)).toBe(false);
    expect(fits("jpeg", 32768, 100)).toBe(false);
  });

  it("is that of one canvas for JPEG and WebP", () => {
    expect(fits("jpeg", 8192, 8192)).toBe(true);
    expect(fits("jpeg", 8192, 8193)).toBe(false);
  });
});
