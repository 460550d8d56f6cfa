/**
 * PNG's filter type 4 (Paeth) by vectors of 16 bytes.
 *
 * When an image is written all that a byte is predicted from is there, and so are whole vectors.
 */

import {
  absoluteWords,
  add,
  addWords,
  assemble,
  bytesOfWords,
  type Code,
  countDown,
  get,
  i32,
  largerWords,
  load,
  loadWords,
  or,
  select,
  set,
  store,
  subtract,
  subtractBytes,
  subtractWords,
} from "../wasm/assembler";

const VECTOR = 16;
const PAGE = 64 * 1024;

/** Filters the rows of an image, from the first on. */
export class RowFilter {
  private readonly bytes: Uint8Array<ArrayBuffer>;
  private readonly filter: (
    row: number,
    above: number,
    out: number,
    step: number,
    runs: number,
  ) => void;
  /** Where the row, the one above it, and what is filtered lie: each behind a vector of zeros. */
  private places: [row: number, above: number, out: number];
  private readonly runs: number;

  /**
   * @param stride bytes of a row
   * @param step bytes of a pixel
   */
  constructor(
    private readonly stride: number,
    private readonly step: number,
  ) {
    this.runs = Math.ceil(stride / VECTOR);
    const pitch = VECTOR * (this.runs + 1);
    this.places = [VECTOR, VECTOR + pitch, VECTOR + 2 * pitch];
    const memory = new WebAssembly.Memory({ initial: Math.ceil((3 * pitch) / PAGE) });
    this.bytes = new Uint8Array(memory.buffer);
    const { exports } = new WebAssembly.Instance(compile(), { env: { memory } });
    this.filter = exports.filter as typeof this.filter;
  }

  /** Puts a row's differences from what its neighbours predict into `out`, from `at` on. */
  write(row: Uint8Array, out: Uint8Array, at: number): void {
    const [here, above, filtered] = this.places;
    this.bytes.set(row, here);
    this.filter(here, above, filtered, this.step, this.runs);
    out.set(this.bytes.subarray(filtered, filtered + this.stride), at);
    this.places = [above, here, filtered];
  }
}

let compiled: WebAssembly.Module | undefined;

function compile(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(buildFilter());
  return compiled;
}

function buildFilter(): Uint8Array<ArrayBuffer> {
  const [row, above, out, step, runs] = [0, 1, 2, 3, 4] as const;
  const [left, up, corner, toLeft, toUp, toCorner] = [5, 6, 7, 8, 9, 10] as const;
  const half = (offset: number): Code => [
    set(left, loadWords(subtract(get(row), get(step)), offset)),
    set(up, loadWords(get(above), offset)),
    set(corner, loadWords(subtract(get(above), get(step)), offset)),
    set(toLeft, subtractWords(get(up), get(corner))),
    set(toUp, subtractWords(get(left), get(corner))),
    set(toCorner, absoluteWords(addWords(get(toLeft), get(toUp)))),
    set(toLeft, absoluteWords(get(toLeft))),
    set(toUp, absoluteWords(get(toUp))),
    select(
      select(get(corner), get(up), largerWords(get(toUp), get(toCorner))),
      get(left),
      or(largerWords(get(toLeft), get(toUp)), largerWords(get(toLeft), get(toCorner))),
    ),
  ];
  const body: Code = [
    store(get(out), subtractBytes(load(get(row)), bytesOfWords(half(0), half(8)))),
    [row, above, out].map((place) => set(place, add(get(place), i32(VECTOR)))),
  ];
  return assemble(
    [
      {
        name: "filter",
        parameters: new Array(5).fill("i32"),
        locals: new Array(6).fill("v128"),
        body: countDown(runs, body),
      },
    ],
    0,
  );
}
