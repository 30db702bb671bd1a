import type { Made } from '@imagefactory/plugin-api';
import { errorLine } from '../platform/log/index.js';
import type { Cleanup } from './status.js';
import { supervised } from './supervise.js';

/** Milliseconds that one thing may take to be removed. */
const patience = 60_000;

/** Told what is there and what is not any more, for the record. */
export interface UndoListener {
  made(what: string): void;
  unmade(what: string): void;
}

interface Entry {
  readonly what: string;
  readonly remove: () => Promise<void>;
}

/** What a build has made outside of itself, in the order in which it was made. */
export class UndoStack {
  readonly #entries: Entry[] = [];
  readonly #listener: UndoListener;
  readonly #patience: number;

  constructor(listener: UndoListener, limit = patience) {
    this.#listener = listener;
    this.#patience = limit;
  }

  made(what: string, remove: () => Promise<void>): Made {
    const entry: Entry = { what, remove };
    this.#entries.push(entry);
    this.#listener.made(what);
    return {
      keep: () => this.#drop(entry),
      remove: async () => {
        if (!this.#entries.includes(entry)) return;
        await remove();
        this.#drop(entry);
      },
    };
  }

  /** Removes what is still there, the latest first. Never rejects: what could not be removed is told in the result. */
  async undo(): Promise<Cleanup> {
    const removed: string[] = [];
    const left: string[] = [];
    for (let entry = this.#entries.pop(); entry !== undefined; entry = this.#entries.pop()) {
      const { what, remove } = entry;
      try {
        await supervised(remove, {
          signal: AbortSignal.timeout(this.#patience),
          grace: 0,
          onLate: () => undefined,
        });
        removed.push(what);
        this.#listener.unmade(what);
      } catch (error) {
        left.push(`${what} (${errorLine(error)})`);
      }
    }
    return { removed, left };
  }

  #drop(entry: Entry): void {
    const index = this.#entries.indexOf(entry);
    if (index < 0) return;
    this.#entries.splice(index, 1);
    this.#listener.unmade(entry.what);
  }
}
