import { escapeControls } from './escape.js';
import { toJsonLine } from './json.js';
import { drained, type Sink, type Terminal } from './streams.js';
import { type Painter, painterFor, type Style } from './style.js';
import { type Column, renderTable } from './table.js';

/** A piece of a line; its control characters are escaped before it is printed. */
export type Part = string | { readonly text: string; readonly style: Style };

export interface OutputOptions {
  readonly json: boolean;
  /** Where lines go instead of straight to the stream, e.g. above a prompt. */
  readonly writeOut?: (text: string) => void;
  readonly writeErr?: (text: string) => void;
}

/** An error in one line, with its remedy and the exit code of the program. */
export interface ShownError {
  readonly code: string;
  readonly message: string;
  readonly remedy?: string | undefined;
  readonly exitCode: number;
}

/**
 * Where commands write. Results go to standard output, remarks and errors to standard error. Whatever is written through here
 * is escaped, so no command can forget it.
 */
export class Output {
  readonly json: boolean;
  readonly #paintOut: Painter;
  readonly #paintErr: Painter;
  readonly #writeOut: (text: string) => void;
  readonly #writeErr: (text: string) => void;

  constructor(
    private readonly io: Terminal,
    options: OutputOptions,
  ) {
    this.json = options.json;
    this.#paintOut = painterFor(io.stdout, io.env);
    this.#paintErr = painterFor(io.stderr, io.env);
    this.#writeOut = options.writeOut ?? (text => void io.stdout.write(text));
    this.#writeErr = options.writeErr ?? (text => void io.stderr.write(text));
  }

  get isTerminal(): boolean {
    return this.io.stdout.isTTY === true && !this.json;
  }

  /** Columns of the terminal; absent elsewhere. */
  get width(): number | undefined {
    return terminalWidth(this.io.stdout);
  }

  line(...parts: readonly Part[]): void {
    this.#writeOut(`${compose(parts, this.#paintOut)}\n`);
  }

  /** One JSON object, on a line of its own. */
  object(value: Readonly<Record<string, unknown>>): void {
    this.#writeOut(`${toJsonLine(value)}\n`);
  }

  table(columns: readonly Column[], rows: readonly (readonly string[])[]): void {
    const lines = renderTable(columns, rows, { width: this.width, paint: this.#paintOut });
    this.#writeOut(`${lines.join('\n')}\n`);
  }

  /** Draws over the present line of the terminal; {@link line} after it starts with {@link clear}. */
  overwrite(...parts: readonly Part[]): void {
    this.#writeOut(`\r\u001b[K${compose(parts, this.#paintOut)}`);
  }

  clear(): void {
    this.#writeOut('\r\u001b[K');
  }

  /** A remark about what is going on; not part of the result. */
  note(text: string): void {
    if (this.json) this.#writeErr(`${toJsonLine({ note: text })}\n`);
    else this.#writeErr(`${this.#paintErr(escapeControls(text), 'dim')}\n`);
  }

  error(error: ShownError): void {
    const { code, message, remedy, exitCode } = error;
    if (this.json) {
      this.#writeErr(
        `${toJsonLine({ error: { code, message, ...(remedy === undefined ? {} : { remedy }), exitCode } })}\n`,
      );
      return;
    }
    // What brokers say often ends with a full stop.
    const text = escapeControls(remedy === undefined ? message : `${message.replace(/\.$/, '')}; ${remedy}`);
    this.#writeErr(`${this.#paintErr('error:', 'red')} ${text}\n`);
  }

  /** Resolves when a slow reader of the results has caught up. */
  drained(signal: AbortSignal): Promise<void> {
    return drained(this.io.stdout, signal);
  }
}

function compose(parts: readonly Part[], paint: Painter): string {
  return parts
    .map(part =>
      typeof part === 'string' ? escapeControls(part) : paint(escapeControls(part.text), part.style),
    )
    .join('');
}

function terminalWidth(sink: Sink): number | undefined {
  return sink.isTTY === true ? (sink.columns ?? 80) : undefined;
}
