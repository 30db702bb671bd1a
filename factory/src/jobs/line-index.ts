/** Lines between two marks at first; a file of many lines has fewer marks for each. */
const firstStride = 256;
/** Marks of one file, eight bytes each; when there are more, every other one goes. */
const marksLimit = 4_096;

/** Where a line begins. */
export interface LineStart {
  /** From 1. */
  readonly seq: number;
  /** In bytes from the beginning of the file. */
  readonly offset: number;
}

/**
 * Where some lines of a growing text file begin: the first, and from there one in so many, as far as the file has been read. Its memory is
 * bounded, however long the file gets.
 */
export class LineIndex {
  #stride = firstStride;
  /** Offsets of the lines 1, 1 + stride, 1 + 2 strides … */
  #marks: number[] = [0];

  /** @param identity tells the file from another one at the same path */
  constructor(readonly identity: string) {}

  /** The known line that is nearest before a line, or the line itself. */
  before(seq: number): LineStart {
    const place = Math.min(Math.floor((seq - 1) / this.#stride), this.#marks.length - 1);
    return { seq: 1 + place * this.#stride, offset: this.#marks[place] ?? 0 };
  }

  /** Takes note of where a line begins. Readers tell of every line that they come to; most are not kept. */
  note({ seq, offset }: LineStart): void {
    if (seq - 1 !== this.#marks.length * this.#stride) return;
    this.#marks.push(offset);
    if (this.#marks.length <= marksLimit) return;
    this.#marks = this.#marks.filter((_, place) => place % 2 === 0);
    this.#stride *= 2;
  }

  /** Bytes of the file that must be there for the marks to be true. */
  get size(): number {
    return this.#marks.at(-1) ?? 0;
  }

  get marks(): number {
    return this.#marks.length;
  }
}
