/** A thread of the engine: takes its part of every run. */

import { serve } from "../serve";
import { execute, finish, instantiate, type Kernels } from "./execute";
import type { Plan } from "./plan";

let begun: { kernels: Kernels; memory: WebAssembly.Memory } | undefined;

const methods = {
  async begin(request: { module: WebAssembly.Module; memory: WebAssembly.Memory }): Promise<void> {
    const { module, memory } = request;
    begun = { kernels: await instantiate(module, memory), memory };
  },

  async run(plan: Plan): Promise<void> {
    if (!begun) throw new Error("run before begin");
    execute(plan, begun.kernels, begun.memory);
    finish(begun.memory);
  },
};

export type ThreadApi = typeof methods;

serve(methods);
