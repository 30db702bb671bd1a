import { startOfNow } from '../../files/process-mark.js';
import { errorLine, type Logger } from '../../log/index.js';
import type { BuildStatus } from '../status.js';
import type { JobJournal } from './journal.js';
import type { JobEnd, JournalRecord } from './records.js';

/** Where notes go, and where it is said that they cannot. */
export interface NoteBook {
  readonly journal: JobJournal;
  readonly log: Logger;
}

/** Notes something; what cannot be noted costs no build, but is said. */
export function note({ journal, log }: NoteBook, record: JournalRecord): void {
  try {
    journal.append(record);
  } catch (error) {
    log.error(
      `the journal of the jobs cannot be written: ${errorLine(error)}; make room, or restarts will not know job ${record.id}`,
    );
  }
}

/** What one build notes of itself while it runs. */
export class JobNotes {
  readonly #id: string;
  readonly #book: NoteBook;

  constructor(id: string, book: NoteBook) {
    this.#id = id;
    this.#book = book;
  }

  status(status: BuildStatus, percent: number): void {
    this.#note({ kind: 'status', id: this.#id, status, percent });
  }

  made(what: string): void {
    this.#note({ kind: 'made', id: this.#id, what });
  }

  unmade(what: string): void {
    this.#note({ kind: 'unmade', id: this.#id, what });
  }

  /** It is begun once more, after so many interruptions. */
  resumed(times: number): void {
    this.#note({ kind: 'resumed', id: this.#id, times });
  }

  /** It was not ended with the agent: the next start goes on with it. */
  postponed(): void {
    this.#note({ kind: 'postponed', id: this.#id });
  }

  /** A process group that was started just now. */
  group(pid: number): void {
    this.#note({ kind: 'group', id: this.#id, pid, started: startOfNow(pid) });
  }

  groupGone(pid: number): void {
    this.#note({ kind: 'group-gone', id: this.#id, pid });
  }

  /** Resolves when the end survives a power cut: only then it is told to others, so that nobody hears of two ends. */
  async end(end: JobEnd, percent: number): Promise<void> {
    const { journal, log } = this.#book;
    this.#note({ kind: 'end', id: this.#id, end, percent, at: Date.now() });
    await journal
      .synced()
      .catch((error: unknown) =>
        log.error(`the journal of the jobs cannot be made safe: ${errorLine(error)}`),
      );
  }

  #note(record: JournalRecord): void {
    note(this.#book, record);
  }
}
