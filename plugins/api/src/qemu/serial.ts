import { StringDecoder } from 'node:string_decoder';
import { stripVTControlCharacters } from 'node:util';

/** Longest transcript kept, in characters. */
const transcriptLimit = 4 * 1024 * 1024;

/** What a guest has written to its serial console, and waits for what it will write. */
export class SerialTranscript {
  readonly #decoder = new StringDecoder('utf8');
  #text = '';
  #end: Error | undefined;
  readonly #waiting = new Set<() => void>();

  get text(): string {
    return this.#text;
  }

  append(chunk: Uint8Array): void {
    this.#text = (this.#text + this.#decoder.write(chunk)).slice(-transcriptLimit);
    this.#wake();
  }

  /** No more text will come, for the reason given; the first reason stays. */
  close(reason: Error): void {
    this.#end ??= reason;
    this.#wake();
  }

  /**
   * Resolves with the text from `from` (an index into `text`) up to the end of the first match of `pattern`.
   * Terminal control sequences are taken out before matching. Rejects with the reason of `close`.
   */
  async waitFor(pattern: RegExp, from = 0): Promise<string> {
    for (;;) {
      const plain = stripVTControlCharacters(this.#text.slice(from));
      const match = pattern.exec(plain);
      if (match !== null) return plain.slice(0, match.index + match[0].length);
      if (this.#end !== undefined) throw this.#end;
      await new Promise<void>(resolve => this.#waiting.add(resolve));
    }
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }
}

/** The last lines of a transcript, for an error message. */
export function lastLines(text: string, count: number): string {
  const lines = stripVTControlCharacters(text).split(/[\r\n]+/);
  return lines
    .filter(line => line.trim() !== '')
    .slice(-count)
    .join('\n');
}
