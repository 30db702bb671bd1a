import { PassThrough, Writable } from 'node:stream';
import { readTextFile } from '@imagefactory/text';
import type { Sink } from '../../terminal/streams.js';
import type { Io } from '../io.js';
import { runCli } from '../run.js';

/** A person at the REPL: types, and reads the screen. */
export interface Person {
  /** Types keys as they are. */
  type(keys: string): void;
  /** Enters a line and waits until the prompt is back. Gives what was written meanwhile. */
  enter(line: string): Promise<string>;
  /** Resolves when the screen shows what is waited for, counted from the last {@link enter}. */
  sees(wanted: RegExp): Promise<string>;
  /** Leaves with `quit`. Gives the exit code. */
  leave(): Promise<number>;
}

/** Starts the REPL on a terminal that is none. */
export async function startTerminal(broker: string, env: Io['env']): Promise<Person> {
  const stdin = Object.assign(new PassThrough(), { isTTY: true });
  const screen = new Terminal();
  const io: Io = {
    stdin,
    stdout: screen,
    stderr: screen,
    env: { TERM: 'xterm', NO_COLOR: '1', ...env },
    now: Date.now,
    readText: (path, name) => readTextFile(path, { name }),
    signal: new AbortController().signal,
    output: { lost: new AbortController().signal, failed: new AbortController().signal },
  };
  const ended = runCli(['--broker', broker, 'repl'], io);
  const atPrompt = /imagefactory> (\u001b\[\d+G)?$|[\w.:-]+> (\u001b\[\d+G)?$/;
  await screen.waitFor(atPrompt);
  return {
    type: keys => void stdin.write(keys),
    enter: line => {
      screen.forget();
      stdin.write(`${line}\r`);
      return screen.waitFor(new RegExp(`\\n[^]*(?:${atPrompt.source})`));
    },
    sees: wanted => screen.waitFor(wanted),
    leave: () => {
      stdin.write('quit\r');
      return ended;
    },
  };
}

class Terminal extends Writable implements Sink {
  readonly isTTY = true;
  readonly columns = 10_000;
  #text = '';
  #changed: () => void = () => undefined;

  forget(): void {
    this.#text = '';
  }

  async waitFor(wanted: RegExp): Promise<string> {
    while (!wanted.test(this.#text)) {
      await new Promise<void>(resolve => {
        this.#changed = resolve;
      });
    }
    return this.#text;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#text += chunk.toString();
    this.#changed();
    done();
  }
}
