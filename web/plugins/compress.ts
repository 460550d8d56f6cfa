import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";
import type { Plugin } from "vite";
import { listFiles } from "./files.ts";

const COMPRESSIBLE = /\.(css|html|js|json|mjs|svg|wasm|webmanifest)$/;
/** What was compressed before: ONNX Runtime takes half a minute, and seldom changes. */
const KEPT = new URL("../.compressed/", import.meta.url).pathname;
/** Above this size the best quality takes minutes, for a seventh less. */
const LARGE = 2 ** 20;

const compress = promisify(brotliCompress);

/** Puts a file compressed by Brotli beside each that gets smaller; by gzip the host does it. */
export function compressed(): Plugin {
  let folder = "dist";
  return {
    name: "compressed",
    apply: "build",
    configResolved({ build }) {
      folder = build.outDir;
    },
    closeBundle: {
      order: "post", // when the service worker has been told of its files
      sequential: true,
      async handler() {
        const files = listFiles(folder).filter((file) => COMPRESSIBLE.test(file));
        await Promise.all(files.map((file) => compressFile(join(folder, file))));
      },
    },
  };
}

async function compressFile(file: string): Promise<void> {
  const content = readFileSync(file);
  writeFileSync(
    `${file}.br`,
    await (content.length > LARGE ? recall(content) : brotli(content, 11)),
  );
}

/** Compresses what takes long, unless it was done before. */
async function recall(content: Buffer): Promise<Buffer> {
  const kept = join(KEPT, `${createHash("sha256").update(content).digest("hex")}.br`);
  if (!existsSync(kept)) {
    const made = await brotli(content, 9);
    mkdirSync(KEPT, { recursive: true });
    writeFileSync(kept, made);
  }
  return readFileSync(kept);
}

function brotli(content: Buffer, quality: number): Promise<Buffer> {
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_LGWIN, BROTLI_PARAM_SIZE_HINT } = constants;
  const params = {
    [BROTLI_PARAM_QUALITY]: quality,
    [BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
    [BROTLI_PARAM_SIZE_HINT]: content.length,
  };
  return compress(content, { params });
}
