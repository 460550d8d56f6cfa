import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { AppError } from "../src/errors";
import { checkFile, isWhole, MAX_PIXELS, readHeader } from "../src/imaging/header";
import { box, fileOf, heifOf, pngOf, size, u32 } from "./files";

const cat = new Uint8Array(readFileSync(new URL("../../examples/chelsea.png", import.meta.url)));

function refusal(bytes: Uint8Array, name?: string): string {
  try {
    checkFile(bytes, name);
  } catch (error) {
    if (error instanceof AppError) return error.key;
    throw error;
  }
  return "accepted";
}

/** JPEG: a comment, tables, and the frame of 640x480. */
const JPEG = fileOf(
  [0xff, 0xd8],
  [0xff, 0xfe, 0, 6, 0xff, 0xc0, 0, 0],
  [0xff, 0xff, 0xc4, 0, 4, 1, 2],
  [0xff, 0xc2, 0, 11, 8, 0x01, 0xe0, 0x02, 0x80, 1, 1, 0x11, 0],
  [0xff, 0xda, 0, 2, 1, 2, 3],
  [0xff, 0xd9],
);

function riff(kind: string, content: number[]): Uint8Array {
  const size = 12 + content.length;
  return fileOf("RIFF", [size, 0, 0, 0], "WEBP", kind, [content.length, 0, 0, 0], content);
}

describe("sizes", () => {
  it("of a real PNG", () => {
    expect(readHeader(cat)).toMatchObject({ format: "png", width: 300, height: 200, alpha: false });
  });

  it("of a PNG with transparency", () => {
    expect(readHeader(pngOf(20, 10, 6))).toMatchObject({ width: 20, height: 10, alpha: true });
  });

  it("of a JPEG, past a comment that looks like a frame", () => {
    expect(readHeader(JPEG)).toEqual({
      format: "jpeg",
      width: 640,
      height: 480,
      alpha: false,
      turned: false,
    });
  });

  it("of a GIF", () => {
    const gif = fileOf("GIF89a", [0x2c, 0x01, 0xc8, 0]);
    expect(readHeader(gif)).toMatchObject({ format: "gif", width: 300, height: 200 });
  });

  it("of a BMP that is stored from the top", () => {
    const size = [16, 0, 0, 0, 0xf0, 0xff, 0xff, 0xff];
    const bmp = fileOf("BM", Array(16).fill(0), size, [1, 0, 24, 0]);
    expect(readHeader(bmp)).toMatchObject({ format: "bmp", width: 16, height: 16, alpha: false });
  });

  it("of WebP's three kinds", () => {
    const lossy = riff("VP8 ", [0, 0, 0, 0x9d, 0x01, 0x2a, 0x2c, 0x01, 0xc8, 0]);
    const lossless = riff("VP8L", [0x2f, 0x2b, 0xc1, 0x31, 0x10]);
    const extended = riff("VP8X", [0x10, 0, 0, 0, 0x2b, 1, 0, 0xc7, 0, 0]);
    const size = { format: "webp", width: 300, height: 200 };
    expect(readHeader(lossy)).toMatchObject({ ...size, alpha: false });
    expect(readHeader(lossless)).toMatchObject({ ...size, alpha: true });
    expect(readHeader(extended)).toMatchObject({ ...size, alpha: true });
  });

  it("of an AVIF: the largest that it has", () => {
    const avif = heifOf("avif", [], box("ispe", size(160, 120)), box("ispe", size(640, 480)));
    expect(readHeader(avif)).toMatchObject({ format: "avif", width: 640, height: 480 });
  });

  it.each([
    ["heic", [], "heic"],
    ["mif1", ["heic", "mif1"], "heic"],
    ["mif1", ["avif", "miaf"], "avif"],
    ["heix", [], "heic"],
  ])("of a file of the brand %s, and %j, which is %s", (brand, others, format) => {
    const file = heifOf(brand, others, box("ispe", size(640, 480)));
    expect(readHeader(file)).toMatchObject({ format, width: 640 });
  });
});

describe("transparency of a PNG", () => {
  const chunk = (name: string, content: number[]): Uint8Array =>
    fileOf([0, 0, 0, content.length], name, content, [0, 0, 0, 0]);
  const withChunks = (...chunks: Uint8Array[]): Uint8Array => {
    const png = pngOf(20, 10, 3);
    return fileOf(png.subarray(0, 33), ...chunks, png.subarray(33));
  };

  it("is in a chunk, however far behind", () => {
    const long = Array.from({ length: 200 }, () => chunk("tEXt", Array(200).fill(32)));
    expect(readHeader(withChunks(...long, chunk("tRNS", [0]))).alpha).toBe(true);
  });

  it("is not in a text that has its name", () => {
    const text = [...new TextEncoder().encode("about tRNS")];
    expect(readHeader(withChunks(chunk("tEXt", text))).alpha).toBe(false);
  });
});

type Order = "II" | "MM";

/** A TIFF with one entry. */
function tiffOf(order: Order, tag: number, value: number): Uint8Array {
  const number = (value: number, bytes: number): number[] => {
    const big = Array.from({ length: bytes }, (_, at) => (value >> (8 * (bytes - 1 - at))) & 255);
    return order === "II" ? big.reverse() : big;
  };
  const entry = fileOf(number(tag, 2), number(3, 2), number(1, 4), number(value, 2), [0, 0]);
  return fileOf(order, number(42, 2), number(8, 4), number(1, 2), entry, [0, 0, 0, 0]);
}

/** The JPEG with an EXIF segment that holds one entry. */
function withExif(order: Order, tag: number, value: number): Uint8Array {
  const segment = fileOf("Exif", [0, 0], tiffOf(order, tag, value));
  const exif = fileOf([0xff, 0xe1], [0, 2 + segment.length], segment);
  return fileOf(JPEG.subarray(0, 2), exif, JPEG.subarray(2));
}

describe("a JPEG's orientation", () => {
  it.each(["II", "MM"] as const)("is read in the byte order %s", (order) => {
    const found = [1, 3, 6, 8].map((value) => readHeader(withExif(order, 0x0112, value)).turned);
    expect(found).toEqual([false, true, true, true]);
  });

  it("is upright where EXIF is silent", () => {
    expect(readHeader(withExif("MM", 0x0100, 6)).turned).toBe(false);
  });

  it("may be any where EXIF cannot be read, and the picture still opens", () => {
    const broken = withExif("MM", 0x0112, 1);
    broken.set([0x7f, 0xff, 0xff, 0xff], 16); // the directory lies beyond the file
    expect(readHeader(broken)).toMatchObject({ width: 640, turned: true });
  });
});

describe("refused", () => {
  it("text, whatever it is named", () => {
    expect(refusal(fileOf("This is no image."))).toBe("errorNotImage");
  });

  it("nothing at all", () => {
    expect(refusal(new Uint8Array(0))).toBe("errorNotImage");
  });

  it("SVG, which is a program", () => {
    const svg = '<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>';
    expect(refusal(fileOf(svg))).toBe("errorSvg");
    expect(refusal(fileOf(`<?xml version="1.0"?>\n${svg}`))).toBe("errorSvg");
  });

  it("every start of a PNG", () => {
    for (const length of [4, 20, 40, cat.length >> 1, cat.length - 9]) {
      expect(refusal(cat.subarray(0, length))).toBe("errorTruncated");
    }
  });

  it("every start of a JPEG", () => {
    for (let length = 3; length < JPEG.length; length++) {
      expect(refusal(JPEG.subarray(0, length))).toBe("errorTruncated");
    }
  });

  it("sizes that no tab can hold", () => {
    expect(refusal(pngOf(60_000, 60_000))).toBe("errorTooLarge");
    expect(refusal(pngOf(2 ** 31 - 1, 1))).toBe("errorTooLarge");
    expect(refusal(pngOf(8192, MAX_PIXELS / 8192 + 1))).toBe("errorTooLarge");
    expect(refusal(pngOf(8192, MAX_PIXELS / 8192))).toBe("accepted");
  });

  it("a picture without pixels", () => {
    expect(refusal(pngOf(0, 10))).toBe("errorNotImage");
  });
});

describe("pictures that are not opened are told apart", () => {
  const [WIDTH, DNG_VERSION] = [0x0100, 0xc612] as const;

  it.each(["II", "MM"] as const)("TIFF, in the byte order %s", (order) => {
    const tiff = tiffOf(order, WIDTH, 60);
    expect(refusal(tiff, "scan.tif")).toBe("errorTiff");
    expect(refusal(tiff)).toBe("errorTiff");
    expect(refusal(tiff.subarray(0, 6))).toBe("errorTiff");
    expect(refusal(fileOf(order, order === "II" ? [43, 0] : [0, 43]))).toBe("errorTiff");
  });

  it.each(["II", "MM"] as const)("DNG, whatever it is named, in the byte order %s", (order) => {
    expect(refusal(tiffOf(order, DNG_VERSION, 1), "scan.tif")).toBe("errorRaw");
  });

  it.each(["DSC_0001.NEF", "DSC0001.arw", "IMGP0001.PEF", "a.b.dng"])("%s, a TIFF", (name) => {
    expect(refusal(tiffOf("II", WIDTH, 60), name)).toBe("errorRaw");
  });

  it.each<[string, Uint8Array]>([
    ["CR2", fileOf("II*\0", [16, 0, 0, 0], "CR", [2, 0])],
    ["CR3", fileOf(box("ftyp", "crx ", u32(1), "crx isom"))],
    ["RAF", fileOf("FUJIFILMCCD-RAW 0201")],
    ["RW2", fileOf("IIU\0", u32(0))],
    ["ORF", fileOf("IIRO", u32(0))],
  ])("%s, whatever it is named", (_, file) => {
    expect(refusal(file, "photo.jpg")).toBe("errorRaw");
  });

  it("other kinds", () => {
    expect(refusal(fileOf([0xff, 0x0a], u32(0)))).toBe("errorForeign");
    expect(refusal(fileOf("8BPS", u32(0)))).toBe("errorForeign");
  });

  it("but no JPEG that has a camera raw's name", () => {
    expect(refusal(JPEG, "DSC_0001.NEF")).toBe("accepted");
  });
});

describe("whole files", () => {
  it("may have a film after the JPEG, as phones append", () => {
    expect(isWhole(fileOf(JPEG, "ftypmp42"), "jpeg")).toBe(true);
  });

  it("are accepted", () => {
    expect([cat, JPEG].map((file) => refusal(file))).toEqual(["accepted", "accepted"]);
  });
});
