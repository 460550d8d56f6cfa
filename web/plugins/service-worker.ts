import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "vite";
import { listFiles } from "./files.ts";

/** Kept when they are first used: ONNX Runtime, and the sample photos themselves. */
const LATER = /asyncify|samples\/[^-]+\.(jpg|txt)$/;

/** Tells the service worker which files the app has, and a version that changes with any of them. */
export function serviceWorker(): Plugin {
  let folder = "dist";
  return {
    name: "service-worker",
    apply: "build",
    configResolved({ build }) {
      folder = build.outDir;
    },
    closeBundle() {
      const script = join(folder, "sw.js");
      const files = listFiles(folder).filter((file) => file !== "sw.js" && !file.endsWith(".map"));
      const version = hashFiles(folder, [...files, "sw.js"]);
      const wanted = files.filter((file) => !LATER.test(file) && !file.startsWith("."));
      const list = wanted.map((file) => (file === "index.html" ? "./" : file));
      const content = readFileSync(script, "utf8");
      const filled = content.replace("__VERSION__", version).replace('"__FILES__"', quoted(list));
      if (!filled.includes(version) || !filled.includes("index-")) {
        throw new Error("sw.js has no place for its files");
      }
      writeFileSync(script, filled);
    },
  };
}

function hashFiles(folder: string, files: readonly string[]): string {
  const hash = createHash("sha256");
  for (const file of files) hash.update(file).update(readFileSync(join(folder, file)));
  return hash.digest("hex").slice(0, 16);
}

function quoted(list: readonly string[]): string {
  return list.map((file) => JSON.stringify(file)).join(",");
}
