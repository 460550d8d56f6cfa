/** What the frame header of VP8, which lossy WebP has, tells of the quality (RFC 6386). */

const KEY_FRAME_START = [0x9d, 0x01, 0x2a];
/** Bytes of the frame that its header certainly ends in. */
const HEADER_BYTES = 128;

/**
 * The quality of libwebp for the mean quantizer of a frame's segments.
 *
 * @throws RangeError no key frame
 */
export function vp8Quality(frame: Uint8Array): number {
  const isKey = KEY_FRAME_START.every((byte, index) => frame[3 + index] === byte);
  if (!isKey || (frame[0] as number) & 1) throw new RangeError("no key frame");
  const quantizers = readQuantizers(new HeaderReader(frame.subarray(10)));
  const shares = quantizers.map((index) => Math.min(Math.max(1 - index / 127, 0), 1));
  const linear = (shares.reduce((sum, share) => sum + share) / shares.length) ** 3;
  return 100 * (linear < 0.5 ? linear * 1.5 : (linear + 1) / 2);
}

/** Quantizer indices, 0 to 127, one or those of four segments (section 9). */
function readQuantizers(header: HeaderReader): number[] {
  header.read(2); // colour space, clamping
  let [absolute, segments] = [0, [0]];
  if (header.read(1)) {
    const hasMap = header.read(1);
    if (header.read(1)) {
      absolute = header.read(1);
      segments = header.readSigned(7);
      header.readSigned(6);
    }
    for (let tree = 0; tree < 3 * hasMap; tree++) header.read(8 * header.read(1));
  }
  header.read(1 + 6 + 3); // loop filter
  if (header.read(1) && header.read(1)) {
    header.readSigned(6);
    header.readSigned(6);
  }
  header.read(2); // partitions
  const base = header.read(7);
  return segments.map((value) => (absolute ? value : base + value));
}

/** Values of a frame header, all coded at even odds (section 7). */
class HeaderReader {
  private value = 0n;
  private shift = BigInt(8 * HEADER_BYTES - 8);
  private range = 255n;

  constructor(data: Uint8Array) {
    for (let at = 0; at < HEADER_BYTES; at++)
      this.value = (this.value << 8n) | BigInt(data[at] ?? 0);
  }

  /** A number of so many bits. */
  read(bits: number): number {
    let found = 0;
    for (let bit = 0; bit < bits; bit++) found = 2 * found + this.bit();
    return found;
  }

  /** Four numbers with signs; 0 for one that is left out. */
  readSigned(bits: number): number[] {
    return Array.from({ length: 4 }, () => {
      if (!this.read(1)) return 0;
      const value = this.read(bits);
      return this.read(1) ? -value : value;
    });
  }

  private bit(): number {
    const split = 1n + (this.range - 1n) / 2n;
    const isSet = this.value >= split << this.shift;
    if (isSet) this.value -= split << this.shift;
    this.range = isSet ? this.range - split : split;
    while (this.range < 128n) {
      this.range <<= 1n;
      this.shift -= 1n;
    }
    return Number(isSet);
  }
}
