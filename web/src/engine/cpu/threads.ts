/** Threads that share the engine's memory: workers of the engine's worker. */

import { Bridge } from "../bridge";
import { execute, type Kernels, resetCounters, waitForFinished } from "./execute";
import type { Plan } from "./plan";
import type { ThreadApi } from "./thread.worker";

/** The threads beside the engine's own. */
export class Threads {
  /** Those that have begun: until then, or if they cannot, the others do without. */
  private readonly ready: Bridge<ThreadApi>[] = [];

  constructor(
    count: number,
    module: WebAssembly.Module,
    private readonly memory: WebAssembly.Memory,
  ) {
    for (let at = 0; at < count; at++) {
      // The bundler knows a worker by exactly this form.
      const worker = new Worker(new URL("./thread.worker.ts", import.meta.url), {
        type: "module",
        name: `engine-${at + 1}`,
      });
      const thread = new Bridge<ThreadApi>(worker);
      thread.call("begin", { module, memory }).then(
        () => this.ready.push(thread),
        () => {},
      );
    }
  }

  /** Runs a plan with all that are ready. */
  run(plan: Plan, kernels: Kernels): void {
    const helpers = [...this.ready];
    resetCounters(this.memory);
    for (const helper of helpers) void helper.call("run", plan);
    execute(plan, kernels, this.memory);
    waitForFinished(this.memory, helpers.length);
  }
}
