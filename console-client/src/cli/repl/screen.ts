import { clearScreenDown, cursorTo, type Interface, moveCursor } from 'node:readline';
import type { Sink } from '../../terminal/streams.js';

/** Who has the terminal: the prompt with what is being typed, or a command's output. */
export type ScreenState = 'prompt' | 'output';

/** Writes to the terminal that the prompt is on, without spoiling what is being typed. */
export class Screen {
  #state: ScreenState = 'output';

  constructor(
    private readonly sink: Sink,
    private readonly line: Interface,
  ) {}

  get state(): ScreenState {
    return this.#state;
  }

  showPrompt(): void {
    this.#state = 'prompt';
    this.line.prompt();
  }

  hidePrompt(): void {
    this.#state = 'output';
  }

  /** Writes whole lines: above the prompt if it is there. */
  write(text: string, to: Sink = this.sink): void {
    if (this.#state !== 'prompt' || this.sink.isTTY !== true) {
      to.write(text);
      return;
    }
    const { rows } = this.line.getCursorPos();
    cursorTo(this.sink, 0);
    moveCursor(this.sink, 0, -rows);
    clearScreenDown(this.sink);
    // readline goes up by as many rows as it believes to have written, before it draws the line anew.
    this.sink.write(text + '\n'.repeat(rows));
    this.line.prompt(true);
  }
}
