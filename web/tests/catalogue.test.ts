import { describe, expect, it } from "vitest";
import { defaultModel, findModel, parseCatalogue } from "../src/engine/catalogue";
import { chooseThreads } from "../src/engine/engine";
import { AppError } from "../src/errors";

function row(label: string, scale: number): Record<string, unknown> {
  const name = `splitsr-${label}-x${scale}`;
  return {
    name,
    label,
    scale,
    file: `${name}.onnx`,
    bytes: 65_000,
    sha256: "0".repeat(64),
    parameters: 56_000,
    multi_adds_720p: 3_200_000_000,
    halo: 11,
    values_per_pixel: 300,
    psnr_y: { Set14: 27.9 },
    golden: { lr: "golden/lr.png", sr: `golden/${name}.png` },
    twin: null,
  };
}

const twin = {
  name: "splitsr-fast-restore-x2",
  file: "splitsr-fast-restore-x2.onnx",
  sha256: "1".repeat(64),
  strengths: { quality: [50, 90], noise: [1], strength: [[1, 0.5]] },
};

const index = {
  version: "1",
  assumed_quality: 90,
  models: [row("accurate", 4), { ...row("fast", 2), twin }, row("fast", 4)],
  study: [{ kind: "images", file: "study/coffee.png" }],
};

function refusal(found: unknown): unknown {
  try {
    return parseCatalogue(found);
  } catch (error) {
    return error instanceof AppError ? error.key : error;
  }
}

describe("the host's index", () => {
  it("is read with what the app needs of it", () => {
    const { models, study } = parseCatalogue(index);
    expect(models[1]).toMatchObject({ name: "splitsr-fast-x2", halo: 11, psnr_y: { Set14: 27.9 } });
    expect(models.map((model) => model.twin)).toEqual([null, twin, null]);
    expect(study).toEqual(index.study);
  });

  it("may have no pictures", () => {
    expect(parseCatalogue({ ...index, study: undefined }).study).toEqual([]);
  });

  it.each([
    ["nothing", null],
    ["a page of another host", "<!doctype html>"],
    ["no models", { ...index, models: [] }],
    ["a model without its checksum", { ...index, models: [{ ...row("fast", 4), sha256: "" }] }],
    ["a size that is none", { ...index, models: [{ ...row("fast", 4), bytes: "many" }] }],
    [
      "a twin without strengths",
      { ...index, models: [{ ...row("fast", 4), twin: { ...twin, strengths: {} } }] },
    ],
    ["no golden picture", { ...index, models: [{ ...row("fast", 4), golden: null }] }],
  ])("is refused: %s", (_, found) => {
    expect(refusal(found)).toBe("errorNoModels");
  });
});

describe("the model to begin with", () => {
  it("is the fast one for x4", () => {
    expect(defaultModel(parseCatalogue(index)).name).toBe("splitsr-fast-x4");
  });

  it("is the first where that is missing", () => {
    const other = parseCatalogue({ ...index, models: [row("accurate", 3), row("fast", 2)] });
    expect(defaultModel(other).name).toBe("splitsr-accurate-x3");
  });

  it("has lighter ones in its family, or none", () => {
    const catalogue = parseCatalogue(index);
    expect(findModel(catalogue, "fast", 2)?.name).toBe("splitsr-fast-x2");
    expect(findModel(catalogue, "accurate", 2)).toBeUndefined();
  });
});

describe("threads", () => {
  it("are all of two cores, and leave one of more to the page", () => {
    expect([1, 2, 4, 16].map((cores) => chooseThreads(cores, true))).toEqual([1, 2, 3, 4]);
  });

  it("are one where the page may not share memory", () => {
    expect(chooseThreads(8, false)).toBe(1);
  });
});
