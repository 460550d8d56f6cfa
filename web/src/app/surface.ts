/** `window.zoomsr`: what the page tells of itself, for tests and the curious. Read-only. */

import { t } from "../i18n";
import type { App } from "./app";
import { type Timings, timings } from "./timings";

export interface Surface {
  readonly version: string;
  readonly backend: string | null;
  readonly backendReason: string | null;
  readonly threads: number;
  readonly model: string | null;
  readonly strength: number | null;
  readonly timings: Readonly<Timings>;
  view(): object | null;
  cache(): { bytes: number; limit: number; tiles: number };
  result(): Promise<Blob | null>;
}

declare global {
  interface Window {
    readonly zoomsr: Surface;
  }
}

export function exposeSurface(app: App): void {
  const surface: Surface = {
    version: __APP_VERSION__,
    get backend() {
      return app.engine?.backend ?? null;
    },
    get backendReason() {
      const reason = app.engine?.reason;
      return reason ? t(reason.key, reason.params) : null;
    },
    get threads() {
      return app.engine?.threads ?? 0;
    },
    get model() {
      return app.model?.name ?? null;
    },
    get strength() {
      return app.network?.strength ?? null;
    },
    get timings() {
      return { ...timings };
    },
    view: () => viewOf(app),
    cache: () => app.viewer.cache,
    result: async () => app.job.result?.blob ?? null,
  };
  Object.defineProperty(window, "zoomsr", { value: Object.freeze(surface) });
}

function viewOf({ viewer }: App): object | null {
  if (!viewer.photo) return null;
  const { name, width, height } = viewer.photo;
  return { ...viewer.view, fit: viewer.fit, photo: { name, width, height } };
}
