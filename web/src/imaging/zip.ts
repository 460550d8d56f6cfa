/** A ZIP of files that are not compressed: pictures are already. Its parts are blobs, so that no file is copied. */

import { AppError } from "../errors";

export interface Entry {
  readonly name: string;
  readonly blob: Blob;
  readonly crc32: number;
}

/** What offsets and counts of a ZIP without 64-bit fields can say. */
const MOST_BYTES = 2 ** 32 - 1;
const MOST_FILES = 2 ** 16 - 1;
const VERSION = 20;
/** Names are UTF-8. */
const FLAGS = 1 << 11;

/**
 * Puts files together, each under a name of its own.
 *
 * @param date when they were made
 * @throws AppError they are more than 4 GB
 */
export function zipFiles(entries: readonly Entry[], date: Date): Blob {
  const parts: BlobPart[] = [];
  const directory: Uint8Array<ArrayBuffer>[] = [];
  let offset = 0;
  for (const entry of entries) {
    const name = new TextEncoder().encode(entry.name);
    const facts = factsOf(entry, name, date);
    const header = record(30 + name.length, 0x04034b50, [[VERSION, 4], ...shift(facts, 6)], name);
    parts.push(header, entry.blob);
    directory.push(
      record(
        46 + name.length,
        0x02014b50,
        [[VERSION, 4], [VERSION, 6], ...shift(facts, 8), [offset, 42, 4]],
        name,
      ),
    );
    offset += header.length + entry.blob.size;
  }
  const bytes = directory.reduce((sum, { length }) => sum + length, 0);
  if (offset + bytes > MOST_BYTES || entries.length > MOST_FILES) throw new AppError("zipTooLarge");
  const count = entries.length;
  const end = record(22, 0x06054b50, [
    [count, 8],
    [count, 10],
    [bytes, 12, 4],
    [offset, 16, 4],
  ]);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}

/** Names that differ, in whatever case: a second `a.png` becomes `a (2).png`. */
export function distinctNames(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    const [, stem = name, ending = ""] = /^(.+)(\.[^.]+)$/.exec(name) ?? [];
    let free = name;
    for (let count = 2; taken.has(free.toLowerCase()); count++)
      free = `${stem} (${count})${ending}`;
    taken.add(free.toLowerCase());
    return free;
  });
}

/** A number, where it stands, and its bytes: two unless four are said. */
type Field = readonly [value: number, at: number, bytes?: 4];

/** What both records of a file say of it, from the flags on. */
function factsOf({ blob, crc32 }: Entry, name: Uint8Array, date: Date): Field[] {
  const time = (date.getHours() << 11) | (date.getMinutes() << 5) | (date.getSeconds() >> 1);
  const day = ((date.getFullYear() - 1980) << 9) | ((date.getMonth() + 1) << 5) | date.getDate();
  return [
    [FLAGS, 0],
    [0, 2], // stored
    [time, 4],
    [day, 6],
    [crc32, 8, 4],
    [blob.size, 12, 4],
    [blob.size, 16, 4],
    [name.length, 20],
  ];
}

function shift(fields: readonly Field[], by: number): Field[] {
  return fields.map(([value, at, bytes]) => (bytes ? [value, at + by, bytes] : [value, at + by]));
}

/** A record that ends with a name; what no field says is 0. */
function record(
  length: number,
  signature: number,
  fields: readonly Field[],
  name = new Uint8Array(0),
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, signature, true);
  for (const [value, at, size] of fields) {
    if (size === 4) view.setUint32(at, value, true);
    else view.setUint16(at, value, true);
  }
  bytes.set(name, length - name.length);
  return bytes;
}
