/** Installs the service worker, and tells of new versions. */

import { block, onClick } from "../dom";
import { state } from "../state";
import { showInfo } from "../ui/toast";

/** Makes the app work without a network, where the browser allows it. */
export function registerOffline(): void {
  attachInstall();
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return;
  addEventListener("load", () => {
    // Without the network, or on an insecure page, there is nothing to install; the app runs on.
    register().catch((error: unknown) => console.warn("no service worker:", error));
  });
}

async function register(): Promise<void> {
  const known = navigator.serviceWorker.controller !== null;
  const registration = await navigator.serviceWorker.register("./sw.js");
  watchUpdates(registration);
  if (known) return;
  await navigator.serviceWorker.ready;
  // Hosts without the headers for threads get them by the service worker, from the next load on.
  const isQuiet = state() === "empty" && block("toast").hidden;
  if (isQuiet) showInfo(crossOriginIsolated ? "offlineReady" : "threadsLater");
}

function watchUpdates(registration: ServiceWorkerRegistration): void {
  const offer = (): void => {
    if (registration.waiting && navigator.serviceWorker.controller) {
      block("update-prompt").hidden = false;
    }
  };
  offer();
  registration.addEventListener("updatefound", () => {
    registration.installing?.addEventListener("statechange", offer);
  });
  onClick("update-apply", () => {
    navigator.serviceWorker.addEventListener("controllerchange", () => location.reload());
    registration.waiting?.postMessage("take over");
  });
}

/** What Chromium sends when the app can be installed. */
interface InstallPrompt extends Event {
  prompt(): Promise<void>;
}

function attachInstall(): void {
  const button = block("install");
  addEventListener("beforeinstallprompt", (event) => {
    event.preventDefault(); // asked by the button, not by a bar over the photo
    button.hidden = false;
    button.onclick = () => {
      button.hidden = true;
      void (event as InstallPrompt).prompt();
    };
  });
}
