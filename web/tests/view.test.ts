import { describe, expect, it } from "vitest";
import {
  between,
  clampView,
  clampZoom,
  fitView,
  fitZoom,
  MAX_ZOOM,
  panBy,
  photoOrigin,
  photoPoint,
  visibleRect,
  zoomAt,
} from "../src/view/view";

const photo = { width: 4000, height: 3000 };
const stage = { width: 800, height: 600 };

describe("fitting", () => {
  it("shows all of the photo", () => {
    const view = fitView(photo, stage);
    expect(view).toEqual({ x: 2000, y: 1500, zoom: 0.2 });
    expect(visibleRect(view, photo, stage)).toEqual({ x: 0, y: 0, ...photo });
  });

  it("goes by the side that is tighter", () => {
    expect(fitZoom({ width: 100, height: 600 }, stage)).toBe(1);
    expect(fitZoom({ width: 1600, height: 100 }, stage)).toBe(0.5);
  });

  it("does not enlarge a pixel to the whole stage", () => {
    expect(fitZoom({ width: 1, height: 1 }, stage)).toBe(MAX_ZOOM);
  });
});

describe("limits", () => {
  it("keep a zoom between fitting and the largest", () => {
    expect(clampZoom(0.01, photo, stage)).toBe(0.2);
    expect(clampZoom(100, photo, stage)).toBe(MAX_ZOOM);
  });

  it("let a small photo be shown in its own size", () => {
    expect(clampZoom(0.5, { width: 100, height: 100 }, stage)).toBe(1);
  });

  it("leave no empty margin beside a photo that fills the stage", () => {
    const view = clampView({ x: -500, y: 9999, zoom: 1 }, photo, stage);
    expect(view).toEqual({ x: 400, y: 2700, zoom: 1 });
  });

  it("centre a photo that does not", () => {
    const small = { width: 100, height: 80 };
    expect(clampView({ x: 90, y: 3, zoom: 1 }, small, stage)).toEqual({ x: 50, y: 40, zoom: 1 });
  });
});

describe("moving", () => {
  it("takes the photo along with the finger", () => {
    const view = panBy({ x: 100, y: 100, zoom: 4 }, 40, -20);
    expect(view).toEqual({ x: 90, y: 105, zoom: 4 });
  });

  it("keeps the photo under the fingers while zooming", () => {
    const before = { x: 321.5, y: 1234.25, zoom: 0.7 };
    const at = { x: 123, y: 456 };
    const after = zoomAt(before, 2.9, at, stage);
    expect(after.zoom).toBe(2.9);
    const [was, is] = [before, after].map((view) => photoPoint(view, at, stage));
    expect(is?.x).toBeCloseTo(was?.x as number, 9);
    expect(is?.y).toBeCloseTo(was?.y as number, 9);
  });

  it("begins and ends a glide at its views", () => {
    const from = { x: 10, y: 20, zoom: 1 };
    const to = { x: 50, y: 90, zoom: 8 };
    expect(between(from, to, 0)).toEqual(from);
    const end = between(from, to, 1);
    expect(end.x).toBeCloseTo(to.x);
    expect(end.y).toBeCloseTo(to.y);
    expect(end.zoom).toBeCloseTo(to.zoom);
  });

  it("glides evenly where the zoom stays", () => {
    const half = between({ x: 0, y: 0, zoom: 2 }, { x: 10, y: 30, zoom: 2 }, 0.5);
    expect(half).toEqual({ x: 5, y: 15, zoom: 2 });
  });

  it("keeps a glide's fixed point still", () => {
    const from = { x: 300, y: 200, zoom: 1 };
    const at = { x: 700, y: 50 };
    const half = between(from, zoomAt(from, 4, at, stage), 0.5);
    // Away from whole zooms, at which the photo is put onto whole device pixels.
    expect(half.zoom).toBeCloseTo(2);
    const shown = { ...half, zoom: half.zoom + 1e-9 };
    expect(photoPoint(shown, at, stage).x).toBeCloseTo(photoPoint(from, at, stage).x, 5);
  });
});

describe("what is seen", () => {
  it("is whole pixels, those at the edges too", () => {
    const seen = visibleRect({ x: 1000.3, y: 800.2, zoom: 3 }, photo, stage);
    expect(seen).toEqual({ x: 866, y: 700, width: 268, height: 201 });
  });

  it("is nothing of the photo beside it", () => {
    expect(visibleRect({ x: -1000, y: 100, zoom: 1 }, photo, stage)).toBeNull();
  });

  it("lies on whole device pixels at whole zooms", () => {
    const origin = photoOrigin({ x: 100.37, y: 50.11, zoom: 4 }, stage);
    expect(origin).toEqual({ x: -1, y: 100 });
    expect(photoOrigin({ x: 100.3, y: 50.1, zoom: 2.5 }, stage).x).toBeCloseTo(149.25);
  });
});
