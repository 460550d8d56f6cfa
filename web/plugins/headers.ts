/** Threads need these two, on scripts too; the server of `splitsr zoom` sends them as well. */
export const ISOLATION = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
} as const;
