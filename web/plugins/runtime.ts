import { createReadStream, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Plugin } from "vite";
import { ISOLATION } from "./headers.ts";

const FOLDER = dirname(createRequire(import.meta.url).resolve("onnxruntime-web"));

/** ONNX Runtime's files, of the build that has WebGPU. */
const FILES = ["ort-wasm-simd-threaded.asyncify.mjs", "ort-wasm-simd-threaded.asyncify.wasm"];

/** Puts ONNX Runtime's files into `ort/`, under their own names: it loads one by the other. */
export function runtimeFiles(): Plugin {
  return {
    name: "runtime-files",
    generateBundle() {
      for (const file of FILES) {
        this.emitFile({
          type: "asset",
          fileName: `ort/${file}`,
          source: readFileSync(join(FOLDER, file)),
        });
      }
    },
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const file = FILES.find((name) => request.url?.split("?")[0] === `/ort/${name}`);
        if (!file) return next();
        const type = file.endsWith(".wasm") ? "application/wasm" : "text/javascript";
        response.setHeader("Content-Type", type);
        // Its threads are workers of this script, which Vite's own headers do not reach.
        for (const [name, value] of Object.entries(ISOLATION)) response.setHeader(name, value);
        createReadStream(join(FOLDER, file)).pipe(response);
      });
    },
  };
}
