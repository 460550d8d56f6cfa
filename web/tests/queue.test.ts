import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Result } from "../src/app/job";
import { type Enlarge, type Item, Queue } from "../src/app/queue";

const confirmLoss = vi.hoisted(() => vi.fn<() => Promise<boolean>>());
vi.mock("../src/ui/dialogs", () => ({ confirmLoss }));
vi.mock("../src/app/awake", () => ({ keepAwake: () => () => {} }));

/** Photos that are enlarged when the test says so. */
class Bench {
  readonly queue = new Queue(() => {});
  readonly begun: string[] = [];
  private settle: { resolve(): void; reject(error: unknown): void } | undefined;

  constructor(...names: string[]) {
    this.add(...names);
  }

  add(...names: string[]): void {
    this.queue.add(names.map((name) => ({ name }) as File));
  }

  readonly enlarge: Enlarge = (item, signal) => {
    this.begun.push(item.name);
    return new Promise<Result>((resolve, reject) => {
      const result = { name: item.name } as Result;
      this.settle = { resolve: () => resolve(result), reject };
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  };

  async finish(error?: unknown): Promise<void> {
    if (error) this.settle?.reject(error);
    else this.settle?.resolve();
    await turn();
  }

  get states(): string {
    return this.queue.items.map(({ name, state }) => `${name} ${state}`).join(", ");
  }

  item(name: string): Item {
    return this.queue.items.find((item) => item.name === name) as Item;
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

beforeEach(() => void confirmLoss.mockReset());

describe("a queue", () => {
  it("enlarges one photo at a time, and those that come later", async () => {
    const bench = new Bench("a", "b");
    const run = bench.queue.run(bench.enlarge);
    expect(bench.states).toBe("a running, b waiting");
    bench.add("c");
    for (const _ of "abc") await bench.finish();
    await run;
    expect(bench.begun).toEqual(["a", "b", "c"]);
    expect(bench.states).toBe("a done, b done, c done");
    expect(bench.queue.isRunning).toBe(false);
    expect(bench.queue.share).toBe(1);
  });

  it("goes on after one that fails", async () => {
    const bench = new Bench("a", "b");
    const run = bench.queue.run(bench.enlarge);
    await bench.finish(new Error("no picture"));
    await bench.finish();
    await run;
    expect(bench.states).toBe("a failed, b done");
    expect(bench.item("a").error).toEqual(new Error("no picture"));
  });

  it("stops, and goes on where it was", async () => {
    const bench = new Bench("a", "b");
    const run = bench.queue.run(bench.enlarge);
    await bench.finish();
    bench.queue.stop();
    await run;
    expect(bench.states).toBe("a done, b waiting");
    const again = bench.queue.run(bench.enlarge);
    await bench.finish();
    await again;
    expect(bench.begun).toEqual(["a", "b", "b"]);
  });

  it("goes on without one that is taken out", async () => {
    const bench = new Bench("a", "b");
    const run = bench.queue.run(bench.enlarge);
    expect(await bench.queue.remove(bench.item("a"))).toBe(true);
    await turn();
    expect(bench.states).toBe("b running");
    await bench.finish();
    await run;
    expect(confirmLoss).not.toHaveBeenCalled();
  });

  it("asks before a result goes that nobody has downloaded", async () => {
    const bench = new Bench("a");
    const run = bench.queue.run(bench.enlarge);
    await bench.finish();
    await run;
    confirmLoss.mockResolvedValue(false);
    expect(await bench.queue.remove(bench.item("a"))).toBe(false);
    expect(await bench.queue.clear()).toBe(false);
    expect(bench.queue.isAtRisk).toBe(true);
    expect(bench.states).toBe("a done");
    bench.queue.downloaded([bench.item("a")]);
    expect(bench.queue.isAtRisk).toBe(false);
    expect(await bench.queue.clear()).toBe(true);
    expect(confirmLoss).toHaveBeenCalledTimes(2);
    expect(bench.queue.items).toEqual([]);
  });
});
