import { type ConsoleAgent, type DataAddress, type QmfError, type RequestOptions } from '@imagefactory/qmf';
import { parsePredicate } from '@imagefactory/qmf/query';
import { BuildAdaptorOnBus } from '@imagefactory/schema';
import type { Announcement, DecodedEvent } from './decoded-event.js';
import type { Delivery } from './delivery.js';
import type { EndChecks } from './end-checks.js';
import { Inquiry } from './inquiry.js';
import { hasFailedUnseen, isUnknown, type Standing, standingOf } from './standing.js';
import { type BuildOwner, TrackedBuild } from './tracked-build.js';
import { TrackedBuilds } from './tracked-builds.js';

/** Those that are not over. The others may be many, and each has its template with it. */
const running = parsePredicate('[and, [ne, status, [quote, COMPLETED]], [ne, status, [quote, FAILED]]]');

/** Builds that an agent is asked about at a time. */
const AT_A_TIME = 16;
/** Events that are kept for builds without a name; what goes is asked for later. */
const EARLY_LIMIT = 10_000;
/** Looks for silent builds in each period of silence. */
const LOOKS = 8;

export interface AgentTrackerParts {
  readonly agent: ConsoleAgent;
  /** Whether bus and agent are there to be asked. */
  readonly isThere: () => boolean;
  readonly checks: EndChecks;
  /** Receives each event, in order, with its delivery. */
  readonly emit: (event: DecodedEvent, delivery: Delivery) => void;
  /** Milliseconds after which an agent is asked about a build without events. */
  readonly silence: number;
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number;
}

/**
 * The builds of one agent: those that are followed, and with {@link watch} all of them. After a gap the agent is asked for the changes that no event
 * has announced.
 */
export class AgentTracker {
  #agent: ConsoleAgent;
  readonly #builds: TrackedBuilds;
  readonly #inquiry: Inquiry;
  readonly #timer: NodeJS.Timeout;
  #isWatching = false;
  #hasBaseline = false;
  /** Calls under way whose builds have no name yet, and the events that were kept for them. */
  #expecting = 0;
  #early = 0;

  constructor(parts: AgentTrackerParts) {
    this.#agent = parts.agent;
    const { emit, checks, silence, now = () => performance.now() } = parts;
    const owner: BuildOwner = {
      emit,
      check: address => checks.check(this.#agent, address),
      hasFailedUnseen: () => hasFailedUnseen(this.#agent),
      forget: build => this.#builds.forget(build),
      now,
    };
    this.#builds = new TrackedBuilds(address => new TrackedBuild(address, owner));
    this.#inquiry = new Inquiry({
      ask: limits => this.#ask(limits),
      isBusThere: parts.isThere,
      onSilence: isSilent => {
        for (const build of this.#builds) build.tellSilence(isSilent);
      },
    });
    this.#timer = setInterval(() => {
      const silent = this.#builds.silentSince(now() - silence);
      if (silent.length > 0) this.#doubt(silent);
    }, silence / LOOKS).unref();
  }

  /** Whether there are builds whose end is still to come. */
  get isWaiting(): boolean {
    return this.#builds.live.length > 0;
  }

  get isIdle(): boolean {
    return !this.#isWatching && this.#builds.size === 0 && this.#expecting === 0;
  }

  /** Tracks all builds from now on. No event is emitted for those that are over by then. */
  watch(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    this.#inquiry.start();
  }

  /** Tracks only those that are followed. */
  unwatch(): void {
    this.#isWatching = false;
    this.#hasBaseline = false;
    for (const build of [...this.#builds]) this.release(build);
  }

  /** The build of that address, tracked until {@link release}. */
  track(address: DataAddress): TrackedBuild {
    return this.#builds.of(address);
  }

  /** Tracks a build no longer, unless others want it. */
  release(build: TrackedBuild): void {
    if (!this.#isWatching && this.#expecting === 0 && !build.isFollowed) this.#builds.forget(build);
  }

  /** Asks about a build now. */
  ask(build: TrackedBuild): void {
    this.#doubt([build]);
  }

  /** Asks about all builds: after a gap. */
  catchUp(delay = 0): void {
    this.#doubt(this.#builds.live, delay);
  }

  /** The agent was restarted, and may not know its builds any more. */
  restarted(): void {
    for (const build of this.#builds) build.wasRestarted = true;
    this.catchUp();
  }

  /** The agent was taken for gone, and shows up again; where it can be asked may have changed. */
  isBack(agent: ConsoleAgent): void {
    this.#agent = agent;
    this.catchUp();
  }

  /** Followers hear no more of their builds. */
  lose(reason: QmfError): void {
    for (const build of [...this.#builds]) build.lose(reason);
  }

  /** @returns false for an event of a build that is not tracked */
  receive(announcement: Announcement): boolean {
    const { address } = announcement.addressed;
    const known = this.#builds.get(address);
    const isEarly = this.#expecting > 0 && known?.isFollowed !== true && this.#early++ < EARLY_LIMIT;
    if (known === undefined && !this.#isWatching && !isEarly) return false;
    const build = known ?? this.#builds.of(address);
    if (isEarly) build.record();
    build.receive(announcement);
    return true;
  }

  /**
   * Keeps the changes of all builds until `call` has settled, which may {@link track} one of them: the first events of a build may overtake the answer
   * that names it, since they come by different queues.
   */
  async expect<T>(call: () => Promise<T>): Promise<T> {
    this.#expecting++;
    try {
      return await call();
    } finally {
      if (--this.#expecting === 0) this.#stopExpecting();
    }
  }

  #stopExpecting(): void {
    this.#early = 0;
    for (const build of [...this.#builds]) {
      build.stopRecording();
      this.release(build);
    }
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#inquiry.stop();
    for (const build of [...this.#builds]) this.#builds.forget(build);
  }

  #doubt(builds: readonly TrackedBuild[], delay = 0): void {
    for (const build of builds) build.doubts++;
    this.#inquiry.start(delay);
  }

  /** Followed builds come first: an agent may know them, and not answer for its class. */
  async #ask(limits: RequestOptions): Promise<void> {
    await this.#askDoubtful(limits, build => build.isFollowed);
    const isFirst = this.#isWatching && !this.#hasBaseline;
    if (isFirst) await this.#takeBaseline(limits);
    const addresses = this.#isWatching && !isFirst ? await this.#addresses(limits) : undefined;
    for (const address of this.#isWatching ? (addresses ?? []) : []) {
      if (this.#builds.get(address) === undefined) this.#builds.of(address).doubts++;
    }
    await this.#askDoubtful(limits);
    if (addresses !== undefined) this.#builds.keep(addresses);
  }

  async #takeBaseline(limits: RequestOptions): Promise<void> {
    const agent = this.#agent;
    const objects = await agent.objects(BuildAdaptorOnBus, { ...limits, where: running });
    const all = await this.#addresses(limits);
    // There may be no reader any more.
    if (!this.#isWatching) return;
    for (const object of objects) this.#note(object.address, standingOf(object));
    for (const address of all) this.#note(address);
    this.#hasBaseline = true;
  }

  #note(address: DataAddress, standing?: Standing): void {
    if (this.#builds.get(address) === undefined) this.#builds.of(address).note(standing);
  }

  async #addresses(limits: RequestOptions): Promise<DataAddress[]> {
    const agent = this.#agent;
    const { packageName, className } = BuildAdaptorOnBus.schema.id;
    const found = await agent.addresses({ packageName, className }, limits);
    return found.flatMap(({ address }) =>
      address === undefined
        ? []
        : [address.agentName === '' ? { ...address, agentName: agent.name } : address],
    );
  }

  /** The answers are taken in the order of their times, also those that came before a question failed. */
  async #askDoubtful(
    limits: RequestOptions,
    which: (build: TrackedBuild) => boolean = () => true,
  ): Promise<void> {
    const doubtful = [...this.#builds].filter(build => build.doubts > 0 && which(build));
    const answers: { readonly build: TrackedBuild; readonly standing: Standing }[] = [];
    const failures: unknown[] = [];
    const askAbout = async (build: TrackedBuild): Promise<void> => {
      const { doubts } = build;
      try {
        const object = await this.#agent.object(BuildAdaptorOnBus, build.address, limits);
        answers.push({ build, standing: standingOf(object) });
        // Another gap may have come behind the question.
        build.doubts -= doubts;
      } catch (error) {
        if (!isUnknown(error)) failures.push(error);
        else {
          build.lost();
          this.#builds.forget(build);
        }
      }
    };
    for (let next = 0; next < doubtful.length && failures.length === 0; next += AT_A_TIME)
      await Promise.all(doubtful.slice(next, next + AT_A_TIME).map(askAbout));
    answers.sort(({ standing: left }, { standing: right }) =>
      left.at < right.at ? -1 : left.at > right.at ? 1 : 0,
    );
    for (const { build, standing } of answers) build.read(standing);
    if (failures.length > 0) throw failures[0];
  }
}
