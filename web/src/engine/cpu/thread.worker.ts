/** A thread of the engine: takes its part of every run. */

import { serve } from "../serve";
import { instantiate, join, type Kernels } from "./execute";
import type { Plan } from "./plan";

let begun: { kernels: Kernels; memory: WebAssembly.Memory } | undefined;

const methods = {
  async begin(request: { module: WebAssembly.Module; memory: WebAssembly.Memory }): Promise<void> {
    const { module, memory } = request;
    begun = { kernels: await instantiate(module, memory), memory };
  },

  async join({ plan, run }: { plan: Plan; run: number }): Promise<void> {
    if (!begun) throw new Error("join before begin");
    join(plan, begun.kernels, begun.memory, run);
  },
};

export type ThreadApi = typeof methods;

serve(methods);
