/** Fills .models/ for development: what the installed `splitsr zoom --export` puts beside the app. */

import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const web = fileURLToPath(new URL("..", import.meta.url));
const installed = join(web, "..", ".venv", "bin", "splitsr");
const command = existsSync(installed) ? installed : "splitsr";
const folder = mkdtempSync(join(tmpdir(), "zoomsr-"));
try {
  const run = spawnSync(command, ["zoom", "--export", folder], { stdio: "inherit" });
  if (run.error || run.status !== 0) {
    console.error("run `npm run build` and install splitsr first; see web/README.md");
    process.exitCode = 1;
  } else {
    rmSync(join(web, ".models"), { recursive: true, force: true });
    cpSync(join(folder, "models"), join(web, ".models"), { recursive: true });
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
