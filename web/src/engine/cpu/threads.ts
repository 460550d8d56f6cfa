/** Threads that share the engine's memory: workers of the engine's worker. */

import { Bridge } from "../bridge";
import { closeRun, execute, type Kernels, openRun } from "./execute";
import type { Plan } from "./plan";
import type { ThreadApi } from "./thread.worker";

/** The threads beside the engine's own. */
export class Threads {
  /** Those that have begun: until then, or if they cannot, the others do without. */
  private readonly ready: Bridge<ThreadApi>[] = [];

  /** All of them: the engine's own, too. */
  readonly count: number;

  constructor(
    others: number,
    module: WebAssembly.Module,
    private readonly memory: WebAssembly.Memory,
  ) {
    this.count = others + 1;
    for (let at = 0; at < others; at++) {
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
    const run = openRun(this.memory);
    for (const thread of this.ready) void thread.call("join", { plan, run });
    execute(plan, kernels, this.memory, run);
    closeRun(this.memory, run);
  }
}
