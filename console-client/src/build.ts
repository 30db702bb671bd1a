import {
  type AgentChange,
  type ConsoleAgent,
  type ConsoleSession,
  type DataAddress,
  QmfError,
  type RequestOptions,
  type TypedObject,
  type WaitOptions,
} from '@imagefactory/qmf';
import { ADAPTOR_PREFIX_2012, type BuildAdaptorOnBus } from '@imagefactory/schema';
import { type BuildDetail, buildDetailFrom } from './build-detail.js';
import { type AddressedChange, type BuildChange, isEnd } from './build-change.js';
import type { BuildFeed } from './build-feed.js';
import { BuildProgress, type FailureChange, type StatusChange } from './build-progress.js';
import {
  BuildFailedError,
  type BuildState,
  goneAgent,
  NO_IMAGE,
  NO_IMAGE_INFO,
  REASON_MISSED,
  unconfirmedImage,
  unknownTo,
} from './build-state.js';
import type { EndChecks } from './end-checks.js';
import { type LogLine, type LogOptions, readBuildLog } from './build-log.js';
import { partOf } from './image-record.js';
import { imageRecordOf, newsOf } from './news.js';
import { Inquiry, OUTBOX_HEAD_START } from './inquiry.js';
import { tellAll } from './listeners.js';
import { hasFailedUnseen, isOver, type Standing, standingOf } from './standing.js';

/** Status and failure are told by two events; the second may take this long, in milliseconds. */
const FAILURE_GRACE = 2_000;

/** Every adaptor's name ends with one. */
const UUID_LENGTH = 36;

/** Methods whose adaptors show pushes. */
const pushMethods = ['push_image', 'provider_image'];

interface Announced {
  readonly status?: StatusChange;
  readonly failure?: FailureChange;
}

/**
 * A build or push, followed by its events. It remembers every change it heard of, so that a late reader of {@link changes} misses
 * nothing. After a gap (the bus or the agent was away, or nothing was heard for a while) it asks the agent and fills in what no
 * event has told.
 */
export class Build {
  readonly address: DataAddress;
  readonly #adaptor: TypedObject<typeof BuildAdaptorOnBus>;
  readonly #session: ConsoleSession;
  readonly #feed: BuildFeed;
  readonly #progress: BuildProgress;
  readonly #silenceListeners = new Set<(isSilent: boolean) => void>();
  readonly #cleanUps: (() => void)[];
  #failureTimer: NodeJS.Timeout | undefined;
  #restarted = false;
  /** What was announced of the end, which the agent is asked to confirm. */
  #announced: Announced = {};
  #isChecking = false;
  readonly #inquiry: Inquiry;
  readonly #silence: NodeJS.Timeout;

  constructor(
    session: ConsoleSession,
    feed: BuildFeed,
    private readonly checks: EndChecks,
    adaptor: TypedObject<typeof BuildAdaptorOnBus>,
    early: readonly AddressedChange[],
  ) {
    this.address = adaptor.address;
    this.#adaptor = adaptor;
    this.#session = session;
    this.#progress = new BuildProgress(this.name);
    this.#feed = feed;
    this.#inquiry = new Inquiry({
      ask: limits => this.#compare(limits),
      isBusThere: () => session.isConnected,
      onUnknown: () => this.#lose(unknownTo(this.address, this.#restarted)),
      onSilence: isSilent => tellAll(this.#silenceListeners, isSilent),
    });
    this.#silence = setInterval(() => this.#inquiry.start(), feed.silence).unref();
    this.#cleanUps = [
      () => this.#inquiry.stop(),
      () => clearInterval(this.#silence),
      feed.listen(this.address, (change, at) => this.#heard(change, at)),
      feed.onClose(() => this.close()),
      session.onReconnect(() => this.#inquiry.start(OUTBOX_HEAD_START)),
      session.onBusGone(reason => this.#lose(reason)),
      session.onAgentChange(change => this.#onAgentChange(change)),
    ];
    for (const { change, at } of early) this.#heard(change, at);
  }

  #onAgentChange(change: AgentChange<ConsoleAgent>): void {
    if (change.agent.name !== this.address.agentName) return;
    switch (change.kind) {
      case 'restarted':
        this.#restarted = true;
        this.#inquiry.start();
        return;
      case 'added':
        this.#inquiry.start();
        return;
      case 'removed':
        this.#lose(goneAgent(change.agent, change.reason));
        return;
      case 'schemaUpdated':
      case 'contested':
        return;
    }
  }

  /** Object name of the adaptor: `build_adaptor-<uuid>`, or of methods of 2012 `build_adaptor:<method>:<uuid>`. */
  get name(): string {
    return this.address.objectName;
  }

  /**
   * Uuid of the target image that is built, or of the provider image that a push makes: what `imageRecord()` and `providerImage()` of a
   * factory take. `pushImage()` takes the `id` of that record.
   */
  get imageId(): string {
    return this.name.slice(-UUID_LENGTH);
  }

  /** Whether it is a push to a provider, as far as its name tells. */
  get isPush(): boolean {
    return pushMethods.some(method => this.name.startsWith(`${ADAPTOR_PREFIX_2012}${method}:`));
  }

  /** The last status heard of. */
  get status(): string {
    return this.#progress.status;
  }

  /** The last percentage heard of; it never goes back. */
  get percentComplete(): number {
    return this.#progress.percent;
  }

  get state(): BuildState {
    return this.#progress.state;
  }

  /**
   * Every change from the first one this object knows of to the end of the build; then the loop ends. Where the end can no
   * longer be known the loop throws.
   */
  changes(options: Pick<WaitOptions, 'signal'> = {}): AsyncIterableIterator<BuildChange> {
    return this.#progress.changes(options.signal);
  }

  /**
   * Waits for the end.
   *
   * @returns path or name of the finished image
   * @throws BuildFailedError when the build failed, or is COMPLETED without an image; QmfError when that can't be known, or the signal fired
   */
  async finished(options: Pick<WaitOptions, 'signal'> = {}): Promise<string> {
    const changes = this.changes(options);
    while ((await changes.next()).done !== true); // only the end matters
    const { state } = this;
    switch (state.kind) {
      case 'completed':
        if (state.finishedImage !== '') return state.finishedImage;
        if (!state.confirmed) throw unconfirmedImage(this.address);
        throw new BuildFailedError(this.address, NO_IMAGE, NO_IMAGE_INFO);
      case 'failed':
        throw new BuildFailedError(this.address, state.type, state.info);
      case 'lost':
        throw state.reason;
      case 'running':
        throw new QmfError('closed', `watching ${this.name} ended before the build did`);
    }
  }

  /**
   * The lines of the build's log, from the first one or another on, and new ones as they come, until the build is over. Each comes once and in
   * order, whatever was lost on the way. After the agent's restart the loop goes on with the lines that it has kept.
   *
   * @throws QmfError in the loop: `agent_exception` when the agent doesn't know the build or keeps no logs for consoles, `aborted`, `closed`
   */
  log(options: LogOptions = {}): AsyncIterableIterator<LogLine> {
    return readBuildLog(this.#session, this.#adaptor.agent, this.address, this.#feed.silence, options);
  }

  /**
   * What the build is doing, where it waits, and what went wrong, as of now.
   *
   * @throws QmfError `agent_exception` when the agent doesn't know the build, or tells consoles no news of builds
   */
  async detail(options: RequestOptions = {}): Promise<BuildDetail> {
    const news = newsOf(this.#adaptor.agent);
    return buildDetailFrom(await news.call('detail', { build: this.name }, options));
  }

  /**
   * What the provider calls the image that was pushed; `undefined` while the push runs, when it has failed, and for what is no push.
   *
   * @throws QmfError `agent_exception` when the agent has nothing on record of it
   */
  async identifierOnProvider(options: RequestOptions = {}): Promise<string | undefined> {
    const record = await imageRecordOf(this.#adaptor.agent, this.imageId, options);
    return partOf(record, this.imageId).providerImage?.targetIdentifier;
  }

  /**
   * Has the agent end the build, which then FAILs with the type `Aborted`. Resolves when it has ended, or is about to.
   *
   * @throws QmfError `agent_exception` when it is over already, or the agent's access list forbids it
   */
  async abort(options: RequestOptions = {}): Promise<void> {
    await this.#adaptor.call('abort', {}, options);
  }

  /**
   * Calls `listener` with `true` when the agent does not answer although the bus is there, some seconds after the last news of the
   * build, and with `false` when it does again. The result unsubscribes.
   */
  onAgentSilent(listener: (isSilent: boolean) => void): () => void {
    this.#silenceListeners.add(listener);
    return () => this.#silenceListeners.delete(listener);
  }

  /** Asks the agent once, and takes over the changes that no event has announced. */
  async refresh(options: WaitOptions = {}): Promise<void> {
    await this.#compare(options);
  }

  /** Stops following; open loops end. */
  close(): void {
    clearTimeout(this.#failureTimer);
    for (const cleanUp of this.#cleanUps.splice(0)) cleanUp();
    this.#progress.end();
  }

  #heard(change: BuildChange, at: bigint): void {
    if (!this.#progress.isRunning) return;
    this.#silence.refresh();
    if (isEnd(change)) {
      this.#announced = { ...this.#announced, [change.kind]: change };
      if (!this.#isChecking) void this.#check();
    } else if (change.kind === 'percent') this.#progress.reach(change);
    else if (change.kind === 'status') this.#progress.enterAt(at, change);
  }

  /** Events can be sent by others in the agent's name, so an end is told when the agent says so itself, or says nothing. */
  async #check(): Promise<void> {
    this.#isChecking = true;
    const answer = await this.checks.check(this.#adaptor.agent, this.address);
    this.#isChecking = false;
    switch (answer.kind) {
      case 'over':
        this.#settle(answer.standing);
        return;
      case 'running':
        if (this.#announced.failure === undefined || !hasFailedUnseen(this.#adaptor.agent))
          this.#announced = {};
        else this.#settleUnconfirmed();
        return;
      case 'unknown':
      case 'silent':
        this.#settleUnconfirmed();
    }
  }

  /** The agent says that the build is over. */
  #settle({ status, finishedImage, failure }: Standing): void {
    if (!this.#progress.isRunning) return;
    const announced = this.#announced.status;
    const change: StatusChange =
      announced?.status === status
        ? announced
        : { kind: 'status', status, oldStatus: this.status, caughtUp: announced === undefined };
    if (status === 'COMPLETED') {
      this.#complete({ ...change, finishedImage }, true);
      return;
    }
    const reason = this.#announced.failure;
    this.#progress.enter(change);
    if (failure !== undefined) this.#fail({ kind: 'failure', ...failure, caughtUp: reason === undefined });
    else if (reason !== undefined) this.#fail(reason);
    else this.#awaitReason(change.caughtUp);
  }

  /** The agent has died after it announced the end, or knows nothing of the build any more. */
  #settleUnconfirmed(): void {
    const { status, failure } = this.#announced;
    if (!this.#progress.isRunning || (status ?? failure) === undefined) return;
    const confirmed = false;
    if (failure === undefined && status?.status === 'COMPLETED') {
      this.#complete({ ...status, confirmed }, confirmed);
      return;
    }
    const reason = failure ?? { kind: 'failure', ...NO_REASON, caughtUp: true };
    const { caughtUp } = reason;
    this.#progress.enter({ kind: 'status', status: 'FAILED', oldStatus: this.status, caughtUp, confirmed });
    this.#fail({ ...reason, confirmed });
  }

  #complete(change: StatusChange, confirmed: boolean): void {
    this.#progress.complete(change, confirmed);
    this.close();
  }

  #fail(change: FailureChange): void {
    this.#progress.fail(change);
    this.close();
  }

  /**
   * Agents of the original's time give a reason by an event alone, and for some failures none.
   *
   * @param caughtUp the failure was found out by a query
   */
  #awaitReason(caughtUp: boolean): void {
    const info = caughtUp ? REASON_MISSED : NO_REASON.info;
    this.#failureTimer ??= setTimeout(() => {
      this.#fail({ kind: 'failure', type: NO_REASON.type, info, caughtUp: true });
    }, FAILURE_GRACE).unref();
  }

  /** No answer of the agent can confirm an announced end any more. */
  #lose(reason: QmfError): void {
    this.#settleUnconfirmed();
    this.#progress.lose(reason);
    this.close();
  }

  async #compare(options: WaitOptions): Promise<void> {
    await this.#adaptor.refresh(options);
    const standing = standingOf(this.#adaptor);
    const { status, percent, at } = standing;
    if (isOver(standing)) {
      this.#settle(standing);
      return;
    }
    if (!this.#progress.isRunning || this.#progress.isOld(at)) return;
    this.#silence.refresh();
    this.#progress.reach({ kind: 'percent', percent, caughtUp: true });
    this.#progress.enterAt(at, { kind: 'status', status, oldStatus: this.status, caughtUp: true });
  }
}

const NO_REASON = { type: 'unknown', info: 'the agent gave no reason' } as const;
