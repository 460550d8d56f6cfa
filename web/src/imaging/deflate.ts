/**
 * Deflate (RFC 1951) by runs and Huffman codes alone, in zlib's frame (RFC 1950).
 *
 * What a PNG's filter leaves of a photo has few repetitions but runs: searching for others, as the
 * browser's own compressor does, takes some four times as long for a file of about the same size.
 */

/** Bytes of a block, which has codes of its own. */
const BLOCK_BYTES = 2 ** 17;
const [SYMBOLS, END] = [286, 256] as const;
const [SHORTEST, LONGEST] = [3, 258] as const;
/** Bytes, the end of a block, and runs. */
const TOKENS = END + LONGEST + 1;
const MOST_BITS = 15;
/** What is written for a run by its length: symbol, extra bits and their value (RFC 1951, 3.2.5). */
const RUNS = runTable();
const ADLER = 65521;
/** So many bytes can be summed up before the sums overflow. */
const ADLER_BYTES = 5552;

/** Takes bytes as they come, and returns what is compressed of them. */
export class Deflater {
  private readonly out = new BitWriter();
  private sums: [number, number] = [1, 0];

  constructor() {
    this.out.add(0x0178, 16);
  }

  write(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    this.sum(bytes);
    for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
      writeBlock(this.out, bytes.subarray(at, at + BLOCK_BYTES));
    }
    return this.out.take();
  }

  finish(): Uint8Array<ArrayBuffer> {
    this.out.add(0b011, 10); // a last block of the fixed codes that has nothing but its end
    this.out.align();
    const [low, high] = this.sums;
    for (const byte of [high >> 8, high, low >> 8, low]) this.out.add(byte & 255, 8);
    return this.out.take();
  }

  private sum(bytes: Uint8Array): void {
    let [low, high] = this.sums;
    for (let at = 0; at < bytes.length; ) {
      for (const stop = Math.min(at + ADLER_BYTES, bytes.length); at < stop; at++) {
        low += bytes[at] as number;
        high += low;
      }
      low %= ADLER;
      high %= ADLER;
    }
    this.sums = [low, high];
  }
}

function writeBlock(out: BitWriter, bytes: Uint8Array): void {
  const counts = new Uint32Array(TOKENS);
  const tokens = findRuns(bytes, counts);
  const lengths = codeLengths(countSymbols(counts));
  writeHead(out, lengths);
  out.addTokens(tokens, ...tokenCodes(canonicalCodes(lengths), lengths));
}

/**
 * Bytes, and for each run of its byte before a number from `END` on: its length above that. The
 * block's end is the last.
 *
 * @param counts gets how often each is there
 */
function findRuns(bytes: Uint8Array, counts: Uint32Array): Uint16Array {
  const tokens = new Uint16Array(bytes.length + 1);
  const put = (index: number, token: number): void => {
    tokens[index] = token;
    counts[token] = (counts[token] as number) + 1;
  };
  let [found, at, before] = [0, 0, -1];
  // Never beyond the end: such a look makes all others slow.
  while (at + SHORTEST <= bytes.length) {
    const byte = bytes[at] as number;
    if (byte !== before || bytes[at + 1] !== byte || bytes[at + 2] !== byte) {
      put(found++, byte);
      before = byte;
      at++;
      continue;
    }
    const from = at;
    const last = Math.min(at + LONGEST, bytes.length);
    for (at += SHORTEST; at < last && bytes[at] === byte; at++);
    put(found++, END + at - from);
  }
  for (; at < bytes.length; at++) put(found++, bytes[at] as number);
  put(found++, END);
  return tokens.subarray(0, found);
}

function countSymbols(counts: Uint32Array): Uint32Array {
  const symbols = counts.slice(0, SYMBOLS);
  symbols.fill(0, END + 1);
  for (let length = SHORTEST; length <= LONGEST; length++) {
    const { symbol } = RUNS[length] as Run;
    symbols[symbol] = (symbols[symbol] as number) + (counts[END + length] as number);
  }
  return symbols;
}

/** What is written for each token, and its bits: 21 at most, for a run with its extra bits. */
function tokenCodes(codes: Uint16Array, lengths: Uint8Array): [Uint32Array, Uint8Array] {
  const [values, bits] = [new Uint32Array(TOKENS), new Uint8Array(TOKENS)];
  values.set(codes.subarray(0, END + 1));
  bits.set(lengths.subarray(0, END + 1));
  for (let length = SHORTEST; length <= LONGEST; length++) {
    const run = RUNS[length] as Run;
    const [code, size] = [codes[run.symbol] as number, lengths[run.symbol] as number];
    values[END + length] = code | (run.extra << size);
    bits[END + length] = size + run.bits + 1; // and one for the distance, which is 1
  }
  return [values, bits];
}

/** Huffman's code lengths, none above `MOST_BITS`. */
function codeLengths(counts: Uint32Array): Uint8Array {
  const parents = new Map<number, number>();
  const used = [...counts.keys()].filter((symbol) => counts[symbol]);
  if (used.length === 1) used.push(used[0] === 0 ? 1 : 0); // a code of one symbol is none
  let waiting = used.map((node) => ({ node, weight: counts[node] as number }));
  waiting.sort((a, b) => a.weight - b.weight);
  const merged: typeof waiting = [];
  const lightest = () =>
    (merged[0]?.weight ?? Infinity) < (waiting[0]?.weight ?? Infinity)
      ? merged.shift()
      : waiting.shift();
  for (let node = SYMBOLS; waiting.length + merged.length > 1; node++) {
    const [a, b] = [lightest(), lightest()] as (typeof waiting)[number][];
    if (!a || !b) break;
    parents.set(a.node, node).set(b.node, node);
    merged.push({ node, weight: a.weight + b.weight });
  }
  waiting = [];
  const lengths = new Uint8Array(SYMBOLS);
  for (const symbol of used) {
    let depth = 0;
    for (let node = parents.get(symbol); node !== undefined; node = parents.get(node)) depth++;
    lengths[symbol] = depth;
  }
  const isFit = lengths.every((length) => length <= MOST_BITS);
  return isFit ? lengths : codeLengths(counts.map((weight) => (weight ? (weight >> 2) + 1 : 0)));
}

/** Codes in the order of their lengths, their first bit lowest. */
function canonicalCodes(lengths: Uint8Array): Uint16Array {
  const codes = new Uint16Array(lengths.length);
  let code = 0;
  for (let length = 1; length <= MOST_BITS; length++, code <<= 1) {
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      if (lengths[symbol] === length) codes[symbol] = reverse(code++, length);
    }
  }
  return codes;
}

function reverse(code: number, bits: number): number {
  let reversed = 0;
  for (let bit = 0; bit < bits; bit++) reversed |= ((code >> bit) & 1) << (bits - 1 - bit);
  return reversed;
}

/** A block's code lengths, of four bits each: that their own code takes, of 16 equal lengths. */
function writeHead(out: BitWriter, lengths: Uint8Array): void {
  out.add(0b100, 3);
  out.add(SYMBOLS - 257, 5);
  out.add(0, 5); // one distance
  out.add(15, 4); // 19 lengths: three that are not used, and 16 of 4
  out.add(0, 9);
  for (let length = 0; length < 16; length++) out.add(4, 3);
  for (const length of lengths) out.add(reverse(length, 4), 4);
  out.add(reverse(1, 4), 4);
}

/** Puts bits together, the first ones lowest. */
class BitWriter {
  private bytes = new Uint8Array(2 ** 16);
  private length = 0;
  private pending = 0;
  private held = 0;

  /** @param bits at most 24 */
  add(value: number, bits: number): void {
    this.pending |= value << this.held;
    this.held += bits;
    for (; this.held >= 8; this.held -= 8, this.pending >>>= 8) {
      this.reserve(1);
      this.bytes[this.length++] = this.pending;
    }
  }

  /** As `add` for each, without a branch: this is where the time goes. */
  addTokens(tokens: Uint16Array, values: Uint32Array, bits: Uint8Array): void {
    this.reserve(3 * tokens.length + 4);
    const view = new DataView(this.bytes.buffer);
    let { length, pending, held } = this;
    for (let at = 0; at < tokens.length; at++) {
      const token = tokens[at] as number;
      pending |= (values[token] as number) << held; // fewer than 8 bits are held
      held += bits[token] as number;
      view.setUint32(length, pending, true);
      length += held >> 3;
      pending >>>= held & 24;
      held &= 7;
    }
    Object.assign(this, { length, pending, held });
  }

  align(): void {
    if (this.held > 0) this.add(0, 8 - this.held);
  }

  /** The whole bytes so far, which are let go of. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.bytes.slice(0, this.length);
    this.length = 0;
    return taken;
  }

  private reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const larger = new Uint8Array(2 * (this.length + more));
    larger.set(this.bytes);
    this.bytes = larger;
  }
}

interface Run {
  readonly symbol: number;
  readonly bits: number;
  readonly extra: number;
}

/** By length: 8 symbols of one length each, then four each of 2, 4, 8, 16 and 32; 258 has its own. */
function runTable(): Run[] {
  const table: Run[] = [];
  for (let length = SHORTEST; length < LONGEST; length++) {
    const from = length - SHORTEST;
    const bits = Math.max(0, 29 - Math.clz32(from));
    table[length] = {
      symbol: END + 1 + 4 * bits + (from >> bits),
      bits,
      extra: from & (2 ** bits - 1),
    };
  }
  table[LONGEST] = { symbol: SYMBOLS - 1, bits: 0, extra: 0 };
  return table;
}
