import { buildTransitions } from '@imagefactory/agent';
import { type Build, type BuildChange, type BuildStatus, QmfError } from '@imagefactory/console-client';

/** How a build ended for one who watched it; `lost` where its agent is gone, and nobody can know. */
export type Outcome = 'COMPLETED' | 'FAILED' | 'lost';

/** Reads `build.changes()` to its end and keeps everything. */
export class BuildWatch {
  readonly changes: BuildChange[] = [];
  /** Settles when the loop ends. */
  readonly ended: Promise<void>;
  /** Set when the loop has ended. */
  error: Error | undefined;
  over = false;

  constructor(
    readonly build: Build,
    /** Who watches, for messages. */
    readonly watcher: string,
  ) {
    this.ended = this.#read();
  }

  async #read(): Promise<void> {
    try {
      for await (const change of this.build.changes()) this.changes.push(change);
    } catch (error) {
      this.error = error instanceof Error ? error : new Error(String(error));
    }
    this.over = true;
  }

  /** Whether all that was heard came by events. */
  get byEvents(): boolean {
    return this.changes.every(({ caughtUp }) => !caughtUp);
  }

  /** What was heard, in a line. */
  toString(): string {
    const heard = this.changes.map(change => {
      const mark = change.caughtUp ? '*' : '';
      switch (change.kind) {
        case 'status':
          return change.status + mark;
        case 'percent':
          return `${change.percent}%${mark}`;
        case 'failure':
          return `(${change.type})${mark}`;
      }
    });
    const end = this.error === undefined ? '' : ` then ${this.error.message}`;
    return `${this.watcher} heard of ${this.build.name}: ${heard.join(' ')}${end}${this.over ? '' : ' and waits'}`;
  }

  /**
   * Holds what was heard to what must hold whatever happened meanwhile: the end was told once and is the last word, statuses
   * follow each other as a build's do (some may be missing after a gap), percentages rise.
   */
  outcome(): Outcome {
    if (!this.over) throw this.#wrong('it did not end');
    let status: BuildStatus = 'NEW';
    let percent = -1;
    let last: Outcome | undefined;
    for (const change of this.changes) {
      if (last === 'COMPLETED') throw this.#wrong('something came after the end');
      switch (change.kind) {
        case 'percent':
          if (change.percent <= percent) throw this.#wrong(`${change.percent} % came after ${percent} %`);
          percent = change.percent;
          break;
        case 'status': {
          const next = known(change.status);
          if (next === undefined || !reachable(status).has(next))
            throw this.#wrong(`${change.status} came after ${status}`);
          status = next;
          if (next === 'COMPLETED') last = next;
          break;
        }
        case 'failure':
          if (status !== 'FAILED' || last !== undefined) throw this.#wrong(`a failure came after ${status}`);
          last = 'FAILED';
      }
    }
    if (this.error === undefined) {
      if (last === undefined) throw this.#wrong('the loop ended before the build did');
      return last;
    }
    if (last !== undefined) throw this.#wrong('an error came after the end');
    if (this.error instanceof QmfError && this.error.code === 'agent_unknown') return 'lost';
    throw this.#wrong('this error ends nothing');
  }

  #wrong(what: string): Error {
    return new Error(`${what}: ${this.toString()}`);
  }
}

function known(status: string): BuildStatus | undefined {
  return statuses.find(one => one === status);
}

// The keys of a Record are what its type says; Object.keys forgets that.
const statuses = Object.keys(buildTransitions) as readonly BuildStatus[];

/** Statuses that a build may come to from one, by however many steps. */
function reachable(from: BuildStatus, found = new Set<BuildStatus>()): Set<BuildStatus> {
  for (const next of buildTransitions[from]) {
    if (found.has(next)) continue;
    found.add(next);
    reachable(next, found);
  }
  return found;
}
