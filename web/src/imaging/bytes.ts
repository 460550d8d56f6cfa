/** Numbers and names in a file; reading beyond its end is a RangeError. */
export class Bytes {
  private readonly view: DataView;

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get length(): number {
    return this.bytes.length;
  }

  u8(offset: number): number {
    return this.view.getUint8(offset);
  }

  u16(offset: number): number {
    return this.view.getUint16(offset);
  }

  u32(offset: number): number {
    return this.view.getUint32(offset);
  }

  u16le(offset: number): number {
    return this.view.getUint16(offset, true);
  }

  u24le(offset: number): number {
    return this.u16le(offset) | (this.u8(offset + 2) << 16);
  }

  u32le(offset: number): number {
    return this.view.getUint32(offset, true);
  }

  i32le(offset: number): number {
    return this.view.getInt32(offset, true);
  }

  /** Latin letters at a place; fewer than asked for at the end of the file. */
  text(offset: number, length: number): string {
    return String.fromCharCode(...this.bytes.subarray(offset, offset + length));
  }

  /** A part of the file: as much as there is of it. */
  part(offset: number, length: number): Uint8Array {
    return this.bytes.subarray(offset, offset + length);
  }

  /** Where a name of four letters last is, or -1. */
  findLast(name: string): number {
    const first = name.charCodeAt(0);
    let at = this.bytes.lastIndexOf(first);
    while (at > 0 && !this.isAt(name, at)) at = this.bytes.lastIndexOf(first, at - 1);
    return at;
  }

  private isAt(name: string, offset: number): boolean {
    return this.text(offset, name.length) === name;
  }
}

/** Whether a file has these bytes at a place. */
export function matches(bytes: Uint8Array, offset: number, expected: readonly number[]): boolean {
  return expected.every((value, index) => bytes[offset + index] === value);
}

export type FilePart = string | readonly number[] | Uint8Array;

/** Letters and bytes, one after the other. */
export function fileOf(...parts: readonly FilePart[]): Uint8Array<ArrayBuffer> {
  const bytes = parts.map((part) =>
    typeof part === "string" ? new TextEncoder().encode(part) : part,
  );
  const file = new Uint8Array(bytes.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of bytes) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}

/** A number of four bytes. */
export function u32(value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}
