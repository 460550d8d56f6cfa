import { inflateSync } from "node:zlib";
import { expect, it } from "vitest";
import { Deflater } from "../src/imaging/deflate";
import { seededRandom } from "../src/study/random";
import { fileOf } from "./files";

function deflate(pieces: readonly Uint8Array[]): Uint8Array {
  const deflater = new Deflater();
  return fileOf(...pieces.map((piece) => deflater.write(piece)), deflater.finish());
}

const random = seededRandom(1);
const noise = Uint8Array.from({ length: 300_000 }, () => random() * 256);
/** Runs of each length, of bytes by turns. */
const runs = fileOf(...Array.from({ length: 600 }, (_, length) => Array(length).fill(length % 7)));
/** Counts like Fibonacci's make codes that are too long, unless they are held short. */
const skewed = fileOf(
  ...Array.from({ length: 24 }, (_, power) => Array(Math.round(1.618 ** power)).fill(power)),
).map((_, at, all) => all[(at * 7919) % all.length] as number);

it.each([
  ["nothing", new Uint8Array()],
  ["one byte", Uint8Array.of(7)],
  ["zeros", new Uint8Array(500_000)],
  ["noise", noise],
  ["runs", runs],
  ["skewed counts", skewed],
])("%s is inflated to what it was", (_, bytes) => {
  const whole = deflate([bytes]);
  expect(Buffer.compare(inflateSync(whole), bytes)).toBe(0);
  const pieces = deflate([bytes.subarray(0, 1000), bytes.subarray(1000)]);
  expect(Buffer.compare(inflateSync(pieces), bytes)).toBe(0);
});

it("runs take hardly anything, and noise no more than it has", () => {
  expect(deflate([new Uint8Array(500_000)]).length).toBeLessThan(2000);
  expect(deflate([noise]).length).toBeLessThan(1.01 * noise.length);
});
