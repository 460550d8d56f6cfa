import { describe, expect, it } from "vitest";
import { type Answer, toCsv } from "../src/study/csv";
import { DETAIL_SIDE, detailRect } from "../src/study/pictures";
import { type Content, planTrials, preferenceOf } from "../src/study/plan";
import { seededRandom, shuffled } from "../src/study/random";

const items = Array.from({ length: 15 }, (_, index) => ({
  content: (index % 3 ? "images" : "text") as Content,
  name: `item-${index}`,
}));

describe("the seed", () => {
  it("fixes the numbers, those that mulberry32 is known for", () => {
    const random = seededRandom(1);
    const found = [random(), random(), random()].map((value) => Math.floor(value * 2 ** 32));
    expect(found).toEqual([2693262067, 11749833, 2265367787]);
  });

  it("spreads them evenly", () => {
    const random = seededRandom(7);
    const counts = Array(10).fill(0);
    for (let index = 0; index < 10_000; index++) counts[Math.floor(random() * 10)]++;
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(120);
  });

  it("fixes order and sides", () => {
    expect(planTrials(items, 7)).toEqual(planTrials(items, 7));
    expect(planTrials(items, 8)).not.toEqual(planTrials(items, 7));
  });
});

describe("shuffling", () => {
  it("loses nothing and changes only the copy", () => {
    const values = [1, 2, 3, 4, 5, 6, 7];
    const other = shuffled(values, seededRandom(3));
    expect(other).not.toEqual(values);
    expect(other.toSorted()).toEqual(values);
    expect(values).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it("brings each value to each place", () => {
    const random = seededRandom(11);
    const places = new Set<string>();
    for (let round = 0; round < 300; round++) {
      shuffled(["a", "b", "c", "d"], random).forEach((value, place) => {
        places.add(value + place);
      });
    }
    expect(places.size).toBe(16);
  });
});

describe("a plan", () => {
  it("shows every picture once", () => {
    const names = planTrials(items, 5).map(({ item }) => item.name);
    expect(names.toSorted()).toEqual(items.map(({ name }) => name).toSorted());
  });

  it.each(["images", "text"])("puts SplitSR to both sides evenly, for %s", (content) => {
    const firsts = new Set<boolean>();
    for (let seed = 0; seed < 40; seed++) {
      const trials = planTrials(items, seed).filter(({ item }) => item.content === content);
      const left = trials.filter(({ sharpSide }) => sharpSide === "left").length;
      expect(Math.abs(2 * left - trials.length)).toBeLessThanOrEqual(1);
      firsts.add(2 * left > trials.length);
    }
    if (content === "text") expect(firsts.size).toBe(2); // five: which side gets the third varies
  });

  it("turns sides into a preference for SplitSR", () => {
    const found = [-2, -1, 0, 1, 2].map((answer) => preferenceOf(answer, "left"));
    expect(found).toEqual([2, 1, 0, -1, -2]);
    expect(preferenceOf(2, "right")).toBe(2);
    expect(Object.is(preferenceOf(0, "left"), 0)).toBe(true); // -0 would be written as text
  });
});

describe("the CSV", () => {
  const answer: Answer = {
    participant: "one",
    content: "text",
    item: "text-serif",
    preference: -1,
    seed: 7,
    position: 3,
    sharp_side: "left",
    model: "splitsr-fast-x4",
    strength: 0.5,
    seconds: 2.5,
  };

  it("has the columns of the analysis first, and a line for each answer", () => {
    expect(toCsv([answer])).toBe(
      "participant,content,item,preference,seed,position,sharp_side,model,strength,seconds\r\n" +
        "one,text,text-serif,-1,7,3,left,splitsr-fast-x4,0.5,2.5\r\n",
    );
  });

  it("keeps commas, quotes and line breaks of a name in its field", () => {
    const line = toCsv([{ ...answer, participant: 'Kim, "J"\nH' }]).split("\r\n")[1];
    expect(line).toMatch(/^"Kim, ""J"" H",text,/);
  });
});

describe("a detail", () => {
  it("lies around its place, moved into the picture", () => {
    const photo = { width: 400, height: 300 };
    const side = DETAIL_SIDE;
    expect(detailRect(photo, { x: 0.5, y: 0.5 })).toEqual({
      x: 200 - side / 2,
      y: 150 - side / 2,
      width: side,
      height: side,
    });
    expect(detailRect(photo, { x: 1, y: 0 })).toMatchObject({ x: 400 - side, y: 0 });
  });

  it("is all of a small picture", () => {
    const whole = { x: 0, y: 0, width: 40, height: 30 };
    expect(detailRect({ width: 40, height: 30 }, { x: 0.3, y: 0.9 })).toEqual(whole);
  });
});
