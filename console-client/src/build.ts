import {
  type ConsoleSession,
  type DataAddress,
  EventStream,
  QmfError,
  type RequestOptions,
  type TypedObject,
  type WaitOptions,
} from '@imagefactory/qmf';
import { ADAPTOR_PREFIX_2012, type BuildAdaptorOnBus } from '@imagefactory/schema';
import { type BuildDetail, buildDetailFrom } from './build-detail.js';
import { type LogLine, type LogOptions, readBuildLog } from './build-log.js';
import { partOf } from './image-record.js';
import { imageRecordOf, newsOf } from './news.js';
import { changesFromBeginning } from './records/build-history.js';
import { eventPages } from './records/event-pages.js';
import type { BuildChange } from './tracking/build-change.js';
import {
  BuildFailedError,
  type BuildState,
  NO_IMAGE,
  NO_IMAGE_INFO,
  unconfirmedImage,
} from './tracking/build-state.js';
import { tellAll } from './tracking/listeners.js';
import { standingOf } from './tracking/standing.js';
import type { BuildFollower, TrackedBuild } from './tracking/tracked-build.js';
import type { Trackers } from './tracking/trackers.js';

export interface ChangesOptions extends Pick<WaitOptions, 'signal'> {
  readonly from?: 'beginning';
}

/** Every adaptor's name ends with one. */
const UUID_LENGTH = 36;

/** Methods whose adaptors show pushes. */
const pushMethods = ['push_image', 'provider_image'];

/**
 * A build or push, followed by its events. It keeps every change since it was made, so that a late reader of {@link changes} misses
 * nothing. After a gap (the bus or the agent was away, or there were no events for a while) the agent is asked, and changes that no
 * event has announced are filled in.
 */
export class Build {
  readonly address: DataAddress;
  readonly #adaptor: TypedObject<typeof BuildAdaptorOnBus>;
  readonly #trackers: Trackers;
  readonly #session: ConsoleSession;
  readonly #tracked: TrackedBuild;
  readonly #history: readonly BuildChange[];
  readonly #streams = new Set<EventStream<BuildChange>>();
  readonly #silenceListeners = new Set<(isSilent: boolean) => void>();
  readonly #follower: BuildFollower;
  #lost: QmfError | undefined;
  #isClosed = false;

  constructor(session: ConsoleSession, trackers: Trackers, adaptor: TypedObject<typeof BuildAdaptorOnBus>) {
    this.address = adaptor.address;
    this.#adaptor = adaptor;
    this.#session = session;
    this.#trackers = trackers;
    this.#tracked = trackers.track(adaptor.agent, adaptor.address);
    this.#follower = {
      changed: change => {
        for (const stream of this.#streams) stream.push(change);
      },
      ended: reason => {
        this.#lost ??= reason;
        this.close();
      },
      silent: isSilent => tellAll(this.#silenceListeners, isSilent),
    };
    this.#history = this.#tracked.follow(this.#follower);
    if (!this.#tracked.isRunning) this.close();
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
    return this.#tracked.status;
  }

  /** The last percentage heard of; it never goes back. */
  get percentComplete(): number {
    return this.#tracked.percent;
  }

  get state(): BuildState {
    return this.#lost === undefined ? this.#tracked.state : { kind: 'lost', reason: this.#lost };
  }

  /**
   * Every change from the first one this object knows of to the end of the build; then the loop ends. Where the end can no
   * longer be known the loop throws.
   *
   * @param options.from `beginning`: first the changes that the agent has on record of the time before, each with its `sequence`. The loop throws a
   *   QmfError `schema_unknown` when the agent keeps no record
   */
  changes(options: ChangesOptions = {}): AsyncIterableIterator<BuildChange> {
    const live = this.#changesFromNow(options.signal);
    if (options.from === undefined) return live;
    const pages = eventPages(this.#adaptor.agent, this.name, 1, options.signal);
    return changesFromBeginning(pages, live, () => {
      if (this.state.kind === 'running') this.#trackers.ask(this.#tracked);
    });
  }

  #changesFromNow(signal: AbortSignal | undefined): AsyncIterableIterator<BuildChange> {
    const stream = new EventStream<BuildChange>(() => {
      this.#streams.delete(stream);
      signal?.removeEventListener('abort', onAbort);
    });
    const onAbort = (): void => stream.end(new QmfError('aborted', `watching ${this.name}: cancelled`));
    for (const change of this.#history) stream.push(change);
    if (signal?.aborted === true) onAbort();
    else if (this.state.kind === 'running' && !this.#isClosed) {
      this.#streams.add(stream);
      signal?.addEventListener('abort', onAbort, { once: true });
    } else stream.end(this.#lost);
    return stream;
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
    return readBuildLog(this.#session, this.#adaptor.agent, this.address, this.#trackers.silence, options);
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
    await this.#adaptor.refresh(options);
    this.#tracked.read(standingOf(this.#adaptor));
  }

  /** Stops following; open loops end. */
  close(): void {
    this.#isClosed = true;
    this.#tracked.unfollow(this.#follower);
    this.#trackers.release(this.#tracked);
    for (const stream of [...this.#streams]) stream.end(this.#lost);
  }
}
