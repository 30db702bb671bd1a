import type { History } from './history.js';
import { mayBeKept, type RunLine } from './kept-line.js';

/**
 * Which lines can be recalled with the arrow keys, and which are written to the history file. A line is written only after it was run,
 * when it is known that it holds no secret. One that is not kept can be recalled until the next line is entered, so that a slip of the pen
 * can be corrected, and then never again.
 */
export class Recall {
  /** Readline's own array, newest first. */
  #lines: string[] = [];
  readonly #passing = new Set<string>();
  #written: Promise<void> = Promise.resolve();

  constructor(private readonly store: History | undefined) {}

  /** Takes readline's array after a line was entered. */
  entered(lines: string[]): void {
    this.#lines = lines;
    this.#forget();
  }

  /** Decides about a line that was run. */
  ran(line: RunLine): void {
    if (mayBeKept(line)) {
      this.#passing.delete(line.text);
      if (this.store !== undefined) this.#written = this.store.add(line.text.trimEnd());
      return;
    }
    this.#passing.add(line.text);
    this.#forget();
  }

  /** Resolves when all lines that are kept are in the file. Never rejects. */
  settled(): Promise<void> {
    return this.#written;
  }

  /** Removes the lines that are not kept, but for the newest of all. */
  #forget(): void {
    for (let index = this.#lines.length - 1; index > 0; index--)
      if (this.#passing.has(this.#lines[index] ?? '')) this.#lines.splice(index, 1);
    for (const line of this.#passing) if (!this.#lines.includes(line)) this.#passing.delete(line);
  }
}
