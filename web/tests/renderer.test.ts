import { expect, it } from "vitest";
import { scaled } from "../src/view/renderer";

it("a narrow photo is drawn to its last row from an overview whose sides are rounded", () => {
  const photo = { width: 8, height: 6000 };
  const overview = { width: 3, height: 2048 };
  const whole = { x: 0, y: 0, ...photo };
  expect(scaled(whole, photo, overview)).toEqual({ x: 0, y: 0, ...overview });
});
