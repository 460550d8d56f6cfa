/** A cache that is bounded in bytes: what was used longest ago goes first. */
export class LruCache<Value> {
  private readonly entries = new Map<string, { value: Value; bytes: number }>();
  private used = 0;

  /**
   * @param limit bytes that all values may take together
   * @param discard called with each value that leaves
   */
  constructor(
    readonly limit: number,
    private readonly discard: (value: Value) => void = () => {},
  ) {}

  get bytes(): number {
    return this.used;
  }

  get size(): number {
    return this.entries.size;
  }

  /** The value, which counts as used now. */
  get(key: string): Value | undefined {
    const entry = this.entries.get(key);
    if (!entry) return undefined;
    this.entries.delete(key);
    this.entries.set(key, entry);
    return entry.value;
  }

  /** The value, without counting as use. */
  peek(key: string): Value | undefined {
    return this.entries.get(key)?.value;
  }

  /** Keeps a value, and makes room for it. One that is larger than the limit is not kept. */
  set(key: string, value: Value, bytes: number): boolean {
    this.delete(key);
    if (bytes > this.limit) {
      this.discard(value);
      return false;
    }
    for (const oldest of this.entries.keys()) {
      if (this.used + bytes <= this.limit) break;
      this.delete(oldest);
    }
    this.entries.set(key, { value, bytes });
    this.used += bytes;
    return true;
  }

  delete(key: string): void {
    const entry = this.entries.get(key);
    if (!entry) return;
    this.entries.delete(key);
    this.used -= entry.bytes;
    this.discard(entry.value);
  }

  clear(): void {
    for (const key of [...this.entries.keys()]) this.delete(key);
  }

  keys(): IterableIterator<string> {
    return this.entries.keys();
  }
}
