import type { Plugin } from "vite";
import { en } from "../src/i18n/en.ts";

/**
 * The policy that the page itself carries, for hosts that send none. `frame-ancestors` can only be
 * sent by a host.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "media-src 'self' blob:",
  "connect-src 'self' blob:",
  "worker-src 'self' blob:",
  "manifest-src 'self'",
  "font-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

/** Writes the English words into the page, so that nothing jumps when the script takes over. */
export function messagesInHtml(): Plugin {
  return {
    name: "messages-in-html",
    transformIndexHtml: (html) =>
      html.replace(/data-i18n="(\w+)"([^>]*)></g, (_, key: keyof typeof en, rest: string) => {
        if (!(key in en)) throw new Error(`index.html: no message ${key}`);
        return `data-i18n="${key}"${rest}>${en[key]}<`;
      }),
  };
}

/** Adds the policy to the built page. In development Vite's own scripts are inline. */
export function contentPolicy(): Plugin {
  return {
    name: "content-policy",
    apply: "build",
    transformIndexHtml: () => [
      {
        tag: "meta",
        attrs: { "http-equiv": "Content-Security-Policy", content: POLICY },
        injectTo: "head-prepend",
      },
    ],
  };
}
