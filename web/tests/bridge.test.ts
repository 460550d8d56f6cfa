import { beforeEach, describe, expect, it, vi } from "vitest";
import { Bridge } from "../src/engine/bridge";
import type { Reply, Request } from "../src/engine/protocol";
import { serve } from "../src/engine/serve";
import { AppError, isAbort } from "../src/errors";

const log: string[] = [];
let release: (() => void) | undefined;

const methods = {
  async double({ value }: { value: number }): Promise<number> {
    log.push(`double ${value}`);
    return 2 * value;
  },
  async wait(_: undefined, signal: AbortSignal): Promise<string> {
    log.push("wait");
    await new Promise<void>((resolve) => {
      release = resolve;
      signal.addEventListener("abort", () => resolve());
    });
    log.push(signal.aborted ? "was cancelled" : "waited");
    return "done";
  },
  async fail(): Promise<void> {
    throw new AppError("errorCanvas", { width: 3, height: 4 });
  },
  async break(): Promise<void> {
    throw new TypeError("out of order");
  },
};

/** A bridge whose two ends are in one thread: messages are cloned, and arrive later. */
function connect(): Bridge<typeof methods> {
  const worker = { onmessage: null, terminate: () => {} } as unknown as Worker;
  const scope: Record<string, unknown> = {
    postMessage: (reply: Reply) =>
      queueMicrotask(() =>
        worker.onmessage?.({ data: structuredClone(reply) } as MessageEvent<Reply>),
      ),
  };
  worker.postMessage = (request: Request) =>
    queueMicrotask(() => (scope.onmessage as (e: unknown) => void)({ data: request }));
  vi.stubGlobal("self", scope);
  vi.stubGlobal("ImageBitmap", class {});
  serve(methods);
  return new Bridge<typeof methods>(worker);
}

beforeEach(() => {
  log.length = 0;
  release = undefined;
});

describe("a call", () => {
  it("returns what the worker's method returns", async () => {
    const bridge = connect();
    const answers = [1, 2, 3].map((value) => bridge.call("double", { value }));
    expect(await Promise.all(answers)).toEqual([2, 4, 6]);
  });

  it("brings the worker's errors back, with what they tell the user", async () => {
    const bridge = connect();
    const error = await bridge.call("fail", undefined).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(AppError);
    expect(error).toMatchObject({ key: "errorCanvas", params: { width: 3, height: 4 } });
    await expect(bridge.call("break", undefined)).rejects.toThrow("out of order");
    expect(await bridge.call("double", { value: 4 })).toBe(8); // and lives on
  });
});

describe("a cancel", () => {
  const reason = new DOMException("moved", "AbortError");

  it("rejects at once, and the worker never begins what waits", async () => {
    const bridge = connect();
    const first = bridge.call("wait", undefined);
    await vi.waitFor(() => expect(release).toBeDefined());
    const controller = new AbortController();
    const second = bridge.call("double", { value: 1 }, { signal: controller.signal });
    controller.abort(reason);
    await expect(second).rejects.toSatisfy(isAbort);
    release?.();
    await first;
    expect(await bridge.call("double", { value: 5 })).toBe(10);
    expect(log).toEqual(["wait", "waited", "double 5"]);
  });

  it("reaches what runs", async () => {
    const bridge = connect();
    const controller = new AbortController();
    const running = bridge.call("wait", undefined, { signal: controller.signal });
    await vi.waitFor(() => expect(release).toBeDefined());
    controller.abort(reason);
    await expect(running).rejects.toSatisfy(isAbort);
    expect(await bridge.call("double", { value: 1 })).toBe(2);
    expect(log).toEqual(["wait", "was cancelled", "double 1"]);
  });

  it("before a call sends nothing", async () => {
    const bridge = connect();
    const signal = AbortSignal.abort(reason);
    await expect(bridge.call("double", { value: 1 }, { signal })).rejects.toBe(reason);
    expect(await bridge.call("double", { value: 2 })).toBe(4);
    expect(log).toEqual(["double 2"]);
  });
});

describe("a worker that is ended", () => {
  it("leaves nobody waiting", async () => {
    const bridge = connect();
    const waiting = bridge.call("wait", undefined);
    await vi.waitFor(() => expect(release).toBeDefined());
    bridge.terminate();
    await expect(waiting).rejects.toSatisfy(isAbort);
  });
});
