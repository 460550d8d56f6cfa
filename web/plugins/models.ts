import { existsSync, readFileSync, statSync } from "node:fs";
import { extname, join, normalize } from "node:path";
import type { Connect, Plugin } from "vite";

const FOLDER = new URL("../.models/", import.meta.url).pathname;
const TYPES: Readonly<Record<string, string>> = {
  ".json": "application/json",
  ".onnx": "application/octet-stream",
  ".png": "image/png",
};

/** Serves `.models/` as `models/` in development; elsewhere that is the host's part. */
export function serveModels(): Plugin {
  return {
    name: "serve-models",
    configureServer: (server) => void server.middlewares.use(answer),
    configurePreviewServer: (server) => void server.middlewares.use(answer),
  };
}

const answer: Connect.NextHandleFunction = (request, response, next) => {
  const path = decodeURIComponent(request.url?.split("?")[0] ?? "");
  if (!path.startsWith("/models/")) return next();
  const file = join(FOLDER, normalize(path.slice("/models".length)));
  if (!existsSync(file) || !statSync(file).isFile()) {
    response.statusCode = 404;
    return response.end("run `npm run models` first");
  }
  response.setHeader("Content-Type", TYPES[extname(file)] ?? "application/octet-stream");
  return response.end(readFileSync(file));
};
