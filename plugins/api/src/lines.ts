import { StringDecoder } from 'node:string_decoder';

/** Longest line kept, in characters; what comes after it is dropped so that a tool without line ends can't eat memory. */
export const maxLineLength = 8192;

/**
 * Cuts a byte stream (UTF-8; broken sequences become U+FFFD) into lines.
 *
 * A carriage return ends a line as well, since tools redraw their progress with it. Empty lines are left out. A line may be
 * `reserve` characters longer than {@link maxLineLength}, so that a caller who masks words of at most that length and then cuts
 * never shows half of one.
 */
export class LineSplitter {
  readonly #decoder = new StringDecoder('utf8');
  readonly #emit: (line: string) => void;
  readonly #limit: number;
  #rest = '';

  constructor(emit: (line: string) => void, reserve = 0) {
    this.#emit = emit;
    this.#limit = maxLineLength + reserve;
  }

  push(chunk: Uint8Array): void {
    this.#take(this.#decoder.write(chunk));
  }

  end(): void {
    this.#take(`${this.#decoder.end()}\n`);
  }

  #take(text: string): void {
    const pieces = text.split(/[\r\n]/);
    const last = pieces.pop() ?? '';
    for (const piece of pieces) {
      const line = this.#join(piece);
      this.#rest = '';
      if (line !== '') this.#emit(line);
    }
    this.#rest = this.#join(last);
  }

  #join(piece: string): string {
    return (this.#rest + piece.slice(0, this.#limit - this.#rest.length)).slice(0, this.#limit);
  }
}

/** The end of a text, at most `limit` bytes of it. */
export class Tail {
  readonly #limit: number;
  #chunks: Uint8Array[] = [];
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    for (;;) {
      const first = this.#chunks[0];
      if (first === undefined || this.#size - first.length < this.#limit) return;
      this.#chunks.shift();
      this.#size -= first.length;
    }
  }

  toString(): string {
    const all = Buffer.concat(this.#chunks);
    return all.subarray(Math.max(0, all.length - this.#limit)).toString('utf8');
  }
}
