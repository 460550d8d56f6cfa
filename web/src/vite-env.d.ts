/// <reference types="vite/client" />

/** The app's version, by the build. */
declare const __APP_VERSION__: string;
