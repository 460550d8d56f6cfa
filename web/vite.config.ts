import { readFileSync } from "node:fs";
import { defineConfig } from "vite";
import { compressed } from "./plugins/compress.ts";
import { ISOLATION } from "./plugins/headers.ts";
import { contentPolicy, messagesInHtml } from "./plugins/html.ts";
import { serveModels } from "./plugins/models.ts";
import { runtimeFiles } from "./plugins/runtime.ts";
import { serviceWorker } from "./plugins/service-worker.ts";

const { version } = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8"));

export default defineConfig({
  base: "./",
  define: { __APP_VERSION__: JSON.stringify(version) },
  resolve: {
    // ONNX Runtime without its WebAssembly inside: that is served beside the app, as files.
    conditions: ["onnxruntime-web-use-extern-wasm", "module", "browser", "production"],
  },
  build: {
    target: "es2023",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: { index: "index.html", sw: "src/offline/sw.ts" },
      output: {
        entryFileNames: ({ name }) => (name === "sw" ? "sw.js" : "assets/[name]-[hash].js"),
      },
    },
  },
  worker: { format: "es" },
  server: { headers: ISOLATION },
  preview: { headers: ISOLATION },
  plugins: [
    messagesInHtml(),
    contentPolicy(),
    runtimeFiles(),
    serveModels(),
    serviceWorker(),
    compressed(),
  ],
});
