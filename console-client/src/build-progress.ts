import { EventStream, QmfError } from '@imagefactory/qmf';
import { isTerminal } from '@imagefactory/schema';
import { type BuildChange, isEnd } from './build-change.js';
import type { BuildState } from './build-state.js';

export type StatusChange = BuildChange & { readonly kind: 'status' };
export type FailureChange = BuildChange & { readonly kind: 'failure' };
type PercentChange = BuildChange & { readonly kind: 'percent' };

/** Changes that are remembered for late readers; no build has so many, and any client may invent some. */
const HISTORY_LIMIT = 1_000;

/**
 * The changes of one build in their order, for readers at any time: percentages only grow, a status that is terminal stays, and after
 * the end nothing follows.
 */
export class BuildProgress {
  readonly #history: BuildChange[] = [];
  readonly #streams = new Set<EventStream<BuildChange>>();
  #status = 'NEW';
  #percent = 0;
  #state: BuildState = { kind: 'running' };
  /** When the agent reached that status, by its clock: what is older adds nothing. 0 if the agent gives no time. */
  #statusAt = 0n;

  /** @param name of the adaptor, for the texts of errors */
  constructor(private readonly name: string) {}

  get status(): string {
    return this.#status;
  }

  get percent(): number {
    return this.#percent;
  }

  get state(): BuildState {
    return this.#state;
  }

  get isRunning(): boolean {
    return this.#state.kind === 'running';
  }

  /** All changes so far, and those to come up to the end; throws in the loop where the end can no longer be known. */
  changes(signal: AbortSignal | undefined): AsyncIterableIterator<BuildChange> {
    const stream = new EventStream<BuildChange>(() => {
      this.#streams.delete(stream);
      signal?.removeEventListener('abort', onAbort);
    });
    const onAbort = (): void => stream.end(new QmfError('aborted', `watching ${this.name}: cancelled`));
    for (const change of this.#history) stream.push(change);
    if (signal?.aborted === true) onAbort();
    else if (this.#state.kind === 'running') {
      this.#streams.add(stream);
      signal?.addEventListener('abort', onAbort, { once: true });
    } else stream.end(this.#state.kind === 'lost' ? this.#state.reason : undefined);
    return stream;
  }

  /** Whether the agent said something before it reached the status that is known, by its clock. */
  isOld(at: bigint): boolean {
    return at !== 0n && at < this.#statusAt;
  }

  reach(change: PercentChange): void {
    if (change.percent <= this.#percent || change.percent > 100) return;
    this.#percent = change.percent;
    this.#add(change);
  }

  /** Takes a status, unless it is older than the one that is known: an answer of the agent overtakes events from its outbox. */
  enterAt(at: bigint, change: StatusChange): void {
    if (this.isOld(at)) return;
    if (at !== 0n) this.#statusAt = at;
    this.enter(change);
  }

  enter(change: StatusChange): void {
    // No status follows FAILED; its reason may still be on its way.
    if (change.status === this.#status || isTerminal(this.#status)) return;
    if (this.#history.length >= HISTORY_LIMIT && !isEnd(change)) return;
    this.#status = change.status;
    this.#add(change);
  }

  complete(change: StatusChange, confirmed: boolean): void {
    if (!this.isRunning) return;
    this.#percent = 100;
    this.#status = change.status;
    this.#state = { kind: 'completed', finishedImage: change.finishedImage ?? '', confirmed };
    this.#add(change);
    this.end();
  }

  fail(change: FailureChange): void {
    if (!this.isRunning) return;
    const { type, info, confirmed = true } = change;
    this.#state = { kind: 'failed', type, info, confirmed };
    this.#add(change);
    this.end();
  }

  lose(reason: QmfError): void {
    if (!this.isRunning) return;
    this.#state = { kind: 'lost', reason };
    this.end(reason);
  }

  /** Ends all loops. */
  end(error?: QmfError): void {
    for (const stream of [...this.#streams]) stream.end(error);
  }

  #add(change: BuildChange): void {
    this.#history.push(change);
    for (const stream of this.#streams) stream.push(change);
  }
}
