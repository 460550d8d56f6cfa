import { describe, expect, it } from "vitest";
import { LruCache } from "../src/tiles/lru";

function recorded(limit: number): { cache: LruCache<string>; gone: string[] } {
  const gone: string[] = [];
  return { cache: new LruCache<string>(limit, (value) => gone.push(value)), gone };
}

describe("a bounded cache", () => {
  it("lets go of what was used longest ago", () => {
    const { cache, gone } = recorded(100);
    cache.set("a", "A", 40);
    cache.set("b", "B", 40);
    expect(cache.get("a")).toBe("A");
    cache.set("c", "C", 40);
    expect(gone).toEqual(["B"]);
    expect([...cache.keys()]).toEqual(["a", "c"]);
    expect(cache.bytes).toBe(80);
  });

  it("does not count a peek as use", () => {
    const { cache, gone } = recorded(80);
    cache.set("a", "A", 40);
    cache.set("b", "B", 40);
    expect(cache.peek("a")).toBe("A");
    cache.set("c", "C", 40);
    expect(gone).toEqual(["A"]);
  });

  it("never takes more than its limit", () => {
    const { cache } = recorded(1000);
    for (let index = 0; index < 500; index++) {
      cache.set(`${index % 37}`, "x", (index * 97) % 400);
      expect(cache.bytes).toBeLessThanOrEqual(1000);
    }
  });

  it("discards the value that another replaces", () => {
    const { cache, gone } = recorded(100);
    cache.set("a", "old", 60);
    cache.set("a", "new", 70);
    expect(gone).toEqual(["old"]);
    expect(cache.bytes).toBe(70);
  });

  it("does not keep what alone is too large, and nothing else has to go for it", () => {
    const { cache, gone } = recorded(100);
    cache.set("a", "A", 60);
    expect(cache.set("b", "B", 101)).toBe(false);
    expect(gone).toEqual(["B"]);
    expect(cache.size).toBe(1);
  });

  it("discards all when it is cleared", () => {
    const { cache, gone } = recorded(100);
    cache.set("a", "A", 10);
    cache.set("b", "B", 10);
    cache.clear();
    expect(gone).toEqual(["A", "B"]);
    expect([cache.bytes, cache.size]).toEqual([0, 0]);
  });
});
