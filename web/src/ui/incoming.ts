/** Photos that come from outside: shared to the app, or opened with it. */

import { AppError } from "../errors";
import type { Receive } from "./open";
import { showError } from "./toast";

/** The service worker puts here what was shared; as `offline/sw.ts` has it. */
const SHARED_CACHE = "zoomsr-shared";
const SHARED = "shared";

export function attachIncoming(receive: Receive): void {
  takeLaunched(receive);
  if (new URLSearchParams(location.search).has(SHARED)) takeShared(receive).catch(showError);
}

/** Photos that were opened with the installed app. */
function takeLaunched(receive: Receive): void {
  window.launchQueue?.setConsumer(({ files }) => {
    Promise.all(files.map((handle) => handle.getFile())).then(receive, showError);
  });
}

/** Photos that another app shared. They are taken out of the cache: nothing of them is kept. */
async function takeShared(receive: Receive): Promise<void> {
  clearAddress();
  const cache = await caches.open(SHARED_CACHE);
  const answers = await Promise.all((await cache.keys()).map((key) => cache.match(key)));
  await caches.delete(SHARED_CACHE);
  const files = await Promise.all(answers.flatMap((answer) => (answer ? [fileOf(answer)] : [])));
  if (files.length === 0) throw new AppError("errorEmptyFile");
  receive(files);
}

async function fileOf(answer: Response): Promise<File> {
  const name = decodeURIComponent(answer.headers.get("x-name") ?? "photo");
  const blob = await answer.blob();
  return new File([blob], name, { type: blob.type });
}

/** A reload is not to look for them again. */
function clearAddress(): void {
  const address = new URL(location.href);
  address.searchParams.delete(SHARED);
  history.replaceState(history.state, "", address);
}

/** Of browsers that open files with installed apps; no library of types has it yet. */
declare global {
  interface Window {
    readonly launchQueue?: {
      setConsumer(
        consumer: (launch: { readonly files: readonly FileSystemFileHandle[] }) => void,
      ): void;
    };
  }
}
