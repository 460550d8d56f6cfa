import { describe, expect, it } from "vitest";
import { planPhoto } from "../src/app/plan";
import type { Catalogue, Model } from "../src/engine/catalogue";
import { AppError } from "../src/errors";

const models = ["fast", "best"].flatMap((label) =>
  [4, 2, 3].map((scale) => ({ name: `${label}-x${scale}`, label, scale }) as Model),
);
const catalogue = { models } as unknown as Catalogue;
const photo = { width: 300, height: 200 };

function plan(side: number | null, part: Parameters<typeof planPhoto>[4]["part"] = null) {
  const networkFor = (model: Model) => ({ model, strength: 0, cleaned: null });
  const chosen = models[3] as Model; // best-x4
  const {
    network,
    size,
    label,
    part: taken,
  } = planPhoto(catalogue, chosen, networkFor, photo, { side, part });
  return { model: network.model.name, size: [size.width, size.height], label, part: taken };
}

describe("a size in pixels", () => {
  it.each([
    [null, "best-x4", [1200, 800], "x4"],
    [301, "best-x2", [301, 201], "301px"],
    [600, "best-x2", [600, 400], "600px"],
    [601, "best-x3", [601, 401], "601px"],
    [1000, "best-x4", [1000, 667], "1000px"],
    [1200, "best-x4", [1200, 800], "1200px"],
  ])("%s takes the smallest scale that reaches it", (side, model, size, label) => {
    expect(plan(side)).toMatchObject({ model, size, label });
  });

  it.each([1, 300, 1201])("%i is refused, with what can be had", (side) => {
    const params = { found: 300, least: 301, most: 1200 };
    expect(() => plan(side)).toThrow(new AppError("sizeRange", params));
  });

  it("is that of the part that is enlarged", () => {
    const part = { x: 10, y: 20, width: 50, height: 100 };
    const found = { model: "best-x2", size: [75, 150], label: "150px_crop", part };
    expect(plan(150, part)).toEqual(found);
    expect(plan(null, part)).toMatchObject({ size: [200, 400], label: "x4_crop" });
  });
});
