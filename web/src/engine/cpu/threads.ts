/** Threads that share the engine's memory: workers of the engine's worker. */

import {
  execute,
  finish,
  instantiate,
  type Kernels,
  resetCounters,
  waitForFinished,
} from "./execute";
import type { Plan } from "./plan";

/** What the engine tells a thread. */
export type Order =
  | {
      readonly kind: "begin";
      readonly module: WebAssembly.Module;
      readonly memory: WebAssembly.Memory;
    }
  | { readonly kind: "run"; readonly plan: Plan };

/** The threads beside the engine's own. */
export class Threads {
  /** Those that have begun: until then the others do without. */
  private readonly ready: Worker[] = [];

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
      worker.onmessage = () => this.ready.push(worker);
      worker.postMessage({ kind: "begin", module, memory } satisfies Order);
    }
  }

  /** Runs a plan with all that are ready. */
  run(plan: Plan, kernels: Kernels): void {
    const helpers = [...this.ready];
    resetCounters(this.memory);
    for (const helper of helpers) helper.postMessage({ kind: "run", plan } satisfies Order);
    execute(plan, kernels, this.memory);
    waitForFinished(this.memory, helpers.length);
  }
}

/** A worker's own side of its messages; its `postMessage` differs from a window's. */
interface Scope {
  onmessage: ((event: MessageEvent<Order>) => void) | null;
  postMessage(message: "ready"): void;
}

/** What a thread does: takes its part of every run. */
export function serveThread(): void {
  const scope = self as unknown as Scope;
  let begun: { kernels: Kernels; memory: WebAssembly.Memory } | undefined;
  scope.onmessage = async ({ data }) => {
    if (data.kind === "begin") {
      const { module, memory } = data;
      begun = { kernels: await instantiate(module, memory), memory };
      scope.postMessage("ready");
    } else if (begun) {
      execute(data.plan, begun.kernels, begun.memory);
      finish(begun.memory);
    }
  };
}
