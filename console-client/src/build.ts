import {
  type ConsoleSession,
  type DataAddress,
  EventStream,
  QmfError,
  type TypedObject,
  type WaitOptions,
} from '@imagefactory/qmf';
import { type BuildAdaptor, isTerminal } from '@imagefactory/schema';
import type { BuildChange } from './build-change.js';
import type { BuildFeed } from './build-feed.js';

/** How a build stands. */
export type BuildState =
  | { readonly kind: 'running' }
  | { readonly kind: 'completed'; readonly finishedImage: string }
  | { readonly kind: 'failed'; readonly type: string; readonly info: string }
  /** The agent no longer tells: it was restarted or is gone. How the build ended is not known. */
  | { readonly kind: 'lost'; readonly reason: QmfError };

/** The end of a build that did not make an image. */
export class BuildFailedError extends Error {
  override readonly name = 'BuildFailedError';
  constructor(
    readonly address: DataAddress,
    /** The agent's word for the cause. */
    readonly type: string,
    info: string,
  ) {
    super(info);
  }
}

/** Status and failure are told by two events; the second may take this long, in milliseconds. */
const FAILURE_GRACE = 2_000;
/** How long one question after a gap waits, in milliseconds. */
const CATCH_UP_TIMEOUT = 1_000;

/**
 * A build, followed by its events. It remembers every change it heard of, so that a late reader of {@link changes} misses
 * nothing, and asks the agent only after the bus was away.
 */
export class Build {
  readonly address: DataAddress;
  readonly #adaptor: TypedObject<typeof BuildAdaptor>;
  readonly #history: BuildChange[] = [];
  readonly #streams = new Set<EventStream<BuildChange>>();
  readonly #cleanUps: (() => void)[];
  #status = 'NEW';
  #percent = 0;
  #state: BuildState = { kind: 'running' };
  #failureTimer: NodeJS.Timeout | undefined;
  readonly #closed = new AbortController();
  #catchingUp: Promise<void> | undefined;

  constructor(
    session: ConsoleSession,
    feed: BuildFeed,
    adaptor: TypedObject<typeof BuildAdaptor>,
    early: readonly BuildChange[],
  ) {
    this.address = adaptor.address;
    this.#adaptor = adaptor;
    this.#cleanUps = [
      feed.listen(this.address, change => this.#heard(change)),
      session.onReconnect(() => void this.#catchUp()),
      session.onAgentChange(change => {
        if (change.agent.name !== this.address.agentName) return;
        if (change.kind === 'restarted' || change.kind === 'added') void this.#catchUp();
        if (change.kind === 'removed') {
          this.#lose(
            new QmfError(
              'agent_unknown',
              `${change.agent.name} is gone (${change.reason}); how the build ends is not known`,
            ),
          );
        }
      }),
    ];
    for (const change of early) this.#heard(change);
  }

  /** Object name of the adaptor: `build_adaptor-<uuid>`. */
  get name(): string {
    return this.address.objectName;
  }

  /** The last status heard of. */
  get status(): string {
    return this.#status;
  }

  /** The last percentage heard of; it never goes back. */
  get percentComplete(): number {
    return this.#percent;
  }

  get state(): BuildState {
    return this.#state;
  }

  /**
   * Every change from the first one this object knows of to the end of the build; then the loop ends. Where the end can no
   * longer be known the loop throws.
   */
  changes(options: Pick<WaitOptions, 'signal'> = {}): AsyncIterableIterator<BuildChange> {
    const { signal } = options;
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

  /**
   * Waits for the end.
   *
   * @returns path or name of the finished image
   * @throws BuildFailedError when the build failed; QmfError when that can't be known, or the signal fired
   */
  async finished(options: Pick<WaitOptions, 'signal'> = {}): Promise<string> {
    const changes = this.changes(options);
    while ((await changes.next()).done !== true); // only the end matters
    switch (this.#state.kind) {
      case 'completed':
        return this.#state.finishedImage;
      case 'failed':
        throw new BuildFailedError(this.address, this.#state.type, this.#state.info);
      case 'lost':
        throw this.#state.reason;
      case 'running':
        throw new QmfError('closed', `watching ${this.name} ended before the build did`);
    }
  }

  /** Asks the agent once, and takes over what no event has told. */
  async refresh(options: WaitOptions = {}): Promise<void> {
    await this.#compare(options);
  }

  /** Stops following; open loops end. */
  close(): void {
    clearTimeout(this.#failureTimer);
    this.#closed.abort();
    for (const cleanUp of this.#cleanUps.splice(0)) cleanUp();
    for (const stream of [...this.#streams]) stream.end();
  }

  #heard(change: BuildChange): void {
    if (this.#state.kind !== 'running') return;
    switch (change.kind) {
      case 'percent':
        if (change.percent <= this.#percent) return;
        this.#percent = change.percent;
        this.#tell(change);
        return;
      case 'failure':
        this.#fail(change);
        return;
      case 'status':
        if (change.status === this.#status) return;
        if (change.status === 'COMPLETED') void this.#complete(change);
        else {
          this.#status = change.status;
          this.#tell(change);
          if (change.status === 'FAILED') this.#awaitReason();
        }
    }
  }

  #tell(change: BuildChange): void {
    this.#history.push(change);
    for (const stream of this.#streams) stream.push(change);
  }

  /** The event names no image, so the adaptor is asked once; its answer belongs to the last change. */
  async #complete(change: BuildChange & { readonly kind: 'status' }): Promise<void> {
    this.#status = change.status;
    const known =
      change.finishedImage ?? (await this.#adaptor.refresh().catch(() => undefined))?.finished_image ?? '';
    if (this.#state.kind !== 'running') return;
    this.#state = { kind: 'completed', finishedImage: known };
    this.#percent = 100;
    this.#tell({ ...change, finishedImage: known });
    this.#end();
  }

  #fail(change: BuildChange & { readonly kind: 'failure' }): void {
    clearTimeout(this.#failureTimer);
    if (this.#status !== 'FAILED') {
      this.#tell({ kind: 'status', status: 'FAILED', oldStatus: this.#status, caughtUp: change.caughtUp });
      this.#status = 'FAILED';
    }
    this.#state = { kind: 'failed', type: change.type, info: change.info };
    this.#tell(change);
    this.#end();
  }

  /** Agents of the original's time told a failure by one event or the other, never both. */
  #awaitReason(): void {
    this.#failureTimer = setTimeout(() => {
      this.#fail({ kind: 'failure', type: 'unknown', info: 'the agent gave no reason', caughtUp: true });
    }, FAILURE_GRACE);
    this.#failureTimer.unref();
  }

  #lose(reason: QmfError): void {
    if (this.#state.kind !== 'running') return;
    this.#state = { kind: 'lost', reason };
    this.#end(reason);
  }

  #end(error?: QmfError): void {
    for (const stream of [...this.#streams]) stream.end(error);
    this.close();
  }

  /**
   * After a gap. The agent may need longer than we to come back, so it is asked again until it answers, is known to be gone,
   * or the bus goes away again, which starts the next round.
   */
  #catchUp(): Promise<void> {
    this.#catchingUp ??= this.#askUntilAnswered().finally(() => {
      this.#catchingUp = undefined;
    });
    return this.#catchingUp;
  }

  async #askUntilAnswered(): Promise<void> {
    while (this.#state.kind === 'running' && !this.#closed.signal.aborted) {
      try {
        await this.#compare({ timeout: CATCH_UP_TIMEOUT, signal: this.#closed.signal });
        return;
      } catch (error) {
        const { code } = QmfError.from(error, 'connection_lost');
        if (code === 'schema_unknown') {
          const agent = this.address.agentName;
          this.#lose(
            new QmfError('agent_unknown', `${agent} was restarted and does not know ${this.name} any more`),
          );
        }
        if (code !== 'timeout') return;
      }
    }
  }

  async #compare(options: WaitOptions): Promise<void> {
    const {
      status,
      percent_complete: percent,
      finished_image: finishedImage,
    } = await this.#adaptor.refresh(options);
    if (percent > this.#percent && !isTerminal(status))
      this.#heard({ kind: 'percent', percent, caughtUp: true });
    this.#heard({
      kind: 'status',
      status,
      oldStatus: this.#status,
      caughtUp: true,
      ...(status === 'COMPLETED' ? { finishedImage } : {}),
    });
  }
}
