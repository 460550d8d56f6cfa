/**
 * SHA-256 as hexadecimal digits.
 *
 * Browsers keep `crypto.subtle` from pages that were not loaded over HTTPS or from localhost, such
 * as one that a phone loads from a computer in the same house; those get a library's.
 */
export async function sha256Hex(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return [...(await digest(bytes))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  if (globalThis.crypto?.subtle) {
    return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  }
  const { sha256 } = await import("@noble/hashes/sha2.js");
  return sha256(bytes);
}
