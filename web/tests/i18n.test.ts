import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { fileSize, fill, pickLanguage } from "../src/i18n";
import { en } from "../src/i18n/en";
import { ko } from "../src/i18n/ko";

const web = fileURLToPath(new URL("..", import.meta.url));
const keys = Object.keys(en) as (keyof typeof en)[];

function sources(): string {
  const folder = join(web, "src");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const own = files.filter((file) => file.endsWith(".ts") && !/^i18n.(en|ko)\.ts$/.test(file));
  const texts = own.map((file) => readFileSync(join(folder, file), "utf8"));
  return [...texts, readFileSync(join(web, "index.html"), "utf8")].join("\n");
}

function placeholders(message: string): string[] {
  return (message.match(/\{\w+\}/g) ?? []).toSorted();
}

describe("Korean", () => {
  it("has every message and no other", () => {
    expect(Object.keys(ko).toSorted()).toEqual(keys.toSorted());
  });

  it.each(keys)("%s: fills in what English fills in", (key) => {
    expect(placeholders(ko[key])).toEqual(placeholders(en[key]));
    expect(ko[key].trim()).not.toBe("");
  });

  it.each(keys)("%s: reads aloud, without particles for any name", (key) => {
    expect(ko[key]).not.toMatch(/[이가을를은는와과로]\([이가을를은는와과로]\)/);
  });

  it.each(keys)("%s: has no bracket before a particle, where a line could break", (key) => {
    expect(ko[key]).not.toMatch(/\)\p{L}/u);
  });

  it("is Korean, but for names", () => {
    const words = (key: keyof typeof en): string =>
      en[key].replace(/\{\w+\}|ZoomSR|SplitSR/g, "").toLowerCase();
    const english = keys.filter((key) => ko[key] === en[key] && /[a-z]{3}/.test(words(key)));
    expect(english).toEqual([]);
  });
});

describe("messages", () => {
  it("are all used", () => {
    const text = sources();
    const unused = keys.filter((key) => !new RegExp(`\\b${key}\\b`).test(text));
    expect(unused).toEqual([]);
  });

  it("that the page names exist", () => {
    const html = readFileSync(join(web, "index.html"), "utf8");
    const named = [...html.matchAll(/data-i18n(?:-label)?="(\w+)"/g)].map((match) => match[1]);
    expect(named.length).toBeGreaterThan(30);
    expect(named.filter((key) => !keys.includes(key as keyof typeof en))).toEqual([]);
  });

  it("are filled in, and what nothing fills stays to be seen", () => {
    expect(fill("{width} × {height}", { width: 3, height: 0 })).toBe("3 × 0");
    expect(fill("{missing}", {})).toBe("{missing}");
  });
});

describe("the size of a file", () => {
  it.each([
    [0, "0 bytes"],
    [1, "1 byte"],
    [3, "3 bytes"],
    [999, "999 bytes"],
    [1000, "1 kB"],
    [1540, "1.5 kB"],
    [13_400, "13 kB"],
    [2_500_000, "2.5 MB"],
  ])("of %i bytes is %s", (bytes, shown) => {
    expect(fileSize(bytes)).toBe(shown);
  });
});

describe("the language", () => {
  it.each([
    [["ko-KR", "en"], "ko"],
    [["fr", "ko", "en"], "ko"],
    [["EN-gb"], "en"],
    [["de", "ja"], "en"],
    [[], "en"],
  ])("for those who read %j is %s", (preferred, expected) => {
    expect(pickLanguage(preferred)).toBe(expected);
  });
});
