/// <reference types="vite/client" />

/** The app's version, by the build. */
declare const __APP_VERSION__: string;

interface Navigator {
  /** Gigabytes, roughly; Chromium alone tells. */
  readonly deviceMemory?: number;
}
