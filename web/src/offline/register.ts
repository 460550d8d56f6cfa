/** Installs the service worker, and tells of new versions. */

import type { App } from "../app/app";
import { state } from "../app/state";
import { block, onClick } from "../dom";
import { showInfo } from "../ui/toast";
import { keepUsed } from "./keep";

/** Makes the app work without a network, where the browser allows it. */
export async function registerOffline(app: App): Promise<void> {
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return;
  try {
    await register(app);
  } catch (error) {
    // Without the network, or on an insecure page, there is nothing to install; the app runs on.
    console.warn("no service worker:", error);
  }
}

async function register(app: App): Promise<void> {
  const known = navigator.serviceWorker.controller !== null;
  const registration = await navigator.serviceWorker.register("./sw.js");
  watchUpdates(registration);
  await keepUsed(app);
  if (known) return;
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

/** Offers to install the app where the browser can; what is installed is kept even if space is short. */
export function attachInstall(): void {
  const button = block("install");
  const persist = (): void => void navigator.storage?.persist?.();
  if (matchMedia("(display-mode: standalone)").matches) persist();
  addEventListener("appinstalled", persist);
  addEventListener("beforeinstallprompt", (event) => {
    event.preventDefault(); // asked by the button, not by a bar over the photo
    button.hidden = false;
    button.onclick = () => {
      button.hidden = true;
      void (event as InstallPrompt).prompt();
    };
  });
}
