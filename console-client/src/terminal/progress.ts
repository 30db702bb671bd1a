import type { Output, Part } from './output.js';
import { elapsedTime } from './time.js';

/** How far a build is. */
export interface Progress {
  readonly status: string;
  readonly percent: number;
}

/** Shows a build's progress as it changes. */
export interface ProgressView {
  update(progress: Progress): void;
  /** Ends the showing, until there is a new {@link update}; what comes next is printed on a line of its own. */
  end(): void;
}

const BAR_WIDTH = 30;

/** A bar that is redrawn on a terminal; a line for each change elsewhere. */
export function progressView(out: Output, now: () => number): ProgressView {
  return out.isTerminal ? new ProgressBar(out, now) : new ProgressLines(out);
}

export function barText(percent: number, width: number): string {
  const done = Math.round((Math.min(100, Math.max(0, percent)) / 100) * width);
  return '█'.repeat(done) + '░'.repeat(width - done);
}

class ProgressBar implements ProgressView {
  readonly #started: number;
  #ticker: NodeJS.Timeout | undefined;
  #last: Progress | undefined;

  constructor(
    private readonly out: Output,
    private readonly now: () => number,
  ) {
    this.#started = now();
  }

  update(progress: Progress): void {
    this.#last = progress;
    this.#ticker ??= setInterval(() => this.#draw(), 1_000).unref();
    this.#draw();
  }

  end(): void {
    clearInterval(this.#ticker);
    this.#ticker = undefined;
    if (this.#last !== undefined) this.out.clear();
    this.#last = undefined;
  }

  #draw(): void {
    if (this.#last === undefined) return;
    const { status, percent } = this.#last;
    const tail = ` ${String(percent).padStart(3)}%  ${elapsedTime(this.now() - this.#started)}`;
    const head = `${status.slice(0, 20).padEnd(13)} `;
    const room = (this.out.width ?? 80) - head.length - tail.length - 1;
    const bar: Part = { text: barText(percent, Math.max(0, Math.min(BAR_WIDTH, room))), style: 'cyan' };
    this.out.overwrite({ text: head, style: 'bold' }, bar, tail);
  }
}

class ProgressLines implements ProgressView {
  #last = '';

  constructor(private readonly out: Output) {}

  update({ status, percent }: Progress): void {
    const text = `${status} ${percent}%`;
    if (text === this.#last) return;
    this.#last = text;
    this.out.line(text);
  }

  end(): void {
    this.#last = '';
  }
}
