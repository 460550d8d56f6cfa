/** What the direct and the transformed kernels share. */

import type { Code } from "../../wasm/assembler";

/** Output channels that are computed together. */
export const OUTPUTS = 4;
/** Bytes of a value, and of a vector of four. */
export const FLOAT = 4;
export const VECTOR = 16;

/** `one * two + three` */
export type Fuse = (one: Code, two: Code, three: Code) => Code;
