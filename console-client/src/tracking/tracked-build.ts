import type { DataAddress, QmfError } from '@imagefactory/qmf';
import { isTerminal } from '@imagefactory/schema';
import {
  type AddressedChange,
  type BuildChange,
  type FailureChange,
  isEnd,
  type StatusChange,
} from './build-change.js';
import { type EndedOrRunning, REASON_MISSED, unknownTo } from './build-state.js';
import type { Announcement, DecodedEvent } from './decoded-event.js';
import type { Delivery } from './delivery.js';
import type { EndAnswer } from './end-check.js';
import { filledIn } from './filled-in.js';
import { isOver, type Standing } from './standing.js';
import { agrees, endsIn } from './announced-end.js';

/** Status and failure come by two events; the second may take this long, in milliseconds. */
const FAILURE_GRACE = 2_000;
/** Announcements of an end that are held until the agent has confirmed one. */
const HELD_EVENTS = 8;
/** Changes that are kept for late readers; no build has so many, and any client may invent some. */
const HISTORY_LIMIT = 1_000;

const NO_REASON = { type: 'unknown', info: 'the agent gave no reason' } as const;

/** A view of one build. */
export interface BuildFollower {
  changed(change: BuildChange): void;
  /** Nothing follows: the build has ended, or with a reason, how it ends can no longer be known. */
  ended(reason?: QmfError): void;
  /** The agent leaves questions unanswered while the bus is there, or answers again. */
  silent(isSilent: boolean): void;
}

/** The agent of builds. */
export interface BuildOwner {
  /** Passes an event on to the readers of the events of all builds. */
  readonly emit: (event: DecodedEvent, delivery: Delivery) => void;
  /** Asks the agent whether a build is over. */
  readonly check: (address: DataAddress) => Promise<EndAnswer>;
  /** Whether its builds may fail without their status saying so. */
  readonly hasFailedUnseen: () => boolean;
  /** Forgets a build that was invented: only its end was announced, and the agent does not know it. */
  readonly forget: (build: TrackedBuild) => void;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

/**
 * The state of one build, from events and from answers of its agent. It has two outputs: the events, each at most once and as the agent raised them,
 * and for followers the sequence of changes, in which percentages only grow and the end comes last.
 */
export class TrackedBuild {
  readonly #followers = new Set<BuildFollower>();
  /** All changes, or without followers the last one of each kind. */
  #history: BuildChange[] = [];
  #isRecording = false;
  #status = 'NEW';
  /** The status of the last event; `undefined` for a build that was over before there was a reader. */
  #emitted: string | undefined = 'NEW';
  /** Time of that status by the agent's clock: older ones are ignored. 0 if the agent gives no time. */
  #statusAt = 0n;
  #percent = 0;
  #state: EndedOrRunning = { kind: 'running' };
  /** Whether the status was read back rather than announced. */
  #isFilledIn = false;
  #isFailureEmitted = false;
  #isKnown = false;
  #heardAt: number;
  #held: Announcement[] = [];
  #isChecking = false;
  /** The agent's own word on the end. */
  #confirmed: Standing | undefined;
  #failureTimer: NodeJS.Timeout | undefined;
  #isDropped = false;
  /** Grows with each reason to ask the agent; 0 if there is none. */
  doubts = 0;
  /** Whether the agent was restarted meanwhile. */
  wasRestarted = false;

  constructor(
    readonly address: DataAddress,
    private readonly owner: BuildOwner,
  ) {
    this.#heardAt = owner.now();
  }

  /** The last status. */
  get status(): string {
    return this.#status;
  }

  get percent(): number {
    return this.#percent;
  }

  get state(): EndedOrRunning {
    return this.#state;
  }

  get isFollowed(): boolean {
    return this.#followers.size > 0;
  }

  get isRunning(): boolean {
    return this.#state.kind === 'running';
  }

  /** Whether an end is still to be emitted. */
  get isLive(): boolean {
    return this.#emitted !== undefined && !isTerminal(this.#emitted);
  }

  /** Milliseconds of the clock. */
  get heardAt(): number {
    return this.#heardAt;
  }

  /** Keeps all changes from now on, for a follower that is expected. */
  record(): void {
    this.#isRecording = true;
  }

  /** @returns the changes so far; later ones are appended while the follower stays */
  follow(follower: BuildFollower): readonly BuildChange[] {
    this.#isKnown = true;
    this.#followers.add(follower);
    this.record();
    return this.#history;
  }

  unfollow(follower: BuildFollower): void {
    this.#followers.delete(follower);
    this.stopRecording();
  }

  stopRecording(): void {
    if (!this.isFollowed) this.#isRecording = false;
  }

  /** Takes note of the state at the time when reading begins; without one the build is over. No event is emitted. */
  note(standing?: Standing): void {
    this.#isKnown = true;
    this.#emitted = standing?.status;
    if (standing !== undefined) this.#take(standing);
  }

  /** Takes an event. An end is passed on once the agent has confirmed it: others can send events in its name. */
  receive(announcement: Announcement): void {
    const { change } = announcement.addressed;
    this.#heardAt = this.owner.now();
    if (!isEnd(change) || (this.#confirmed !== undefined && agrees(change, this.#confirmed))) {
      this.hear(announcement);
      if (change.kind === 'failure') this.#fail(change);
    } else void this.#hold(announcement);
  }

  /** Passes an event on unless one that was filled in, or a later one, has said the same. */
  hear({ decoded, addressed }: Announcement, confirmed?: false): void {
    if (!this.#takes(addressed)) return;
    this.owner.emit(decoded, { caughtUp: false, ...(confirmed === undefined ? {} : { confirmed }) });
  }

  #takes({ change, at }: AddressedChange): boolean {
    this.#isKnown = true;
    switch (change.kind) {
      case 'failure':
        if (this.#isFailureEmitted) return false;
        this.#isFailureEmitted = true;
        return true;
      case 'percent':
        if (this.#isFilledIn && (change.percent <= this.#percent || !this.isLive)) return false;
        this.#reach(change);
        return true;
      case 'status':
        if (this.#emitted !== undefined && isTerminal(this.#emitted)) return false;
        if ((this.#isFilledIn && change.status === this.#emitted) || this.#isOld(at)) return false;
        this.#emitted = change.status;
        if (at !== 0n) this.#statusAt = at;
        this.#isFilledIn = false;
        if (!isEnd(change)) this.#enter(change);
        return true;
    }
  }

  /** Takes an answer of the agent. Events that it makes up for are emitted in the order in which an agent raises them. */
  read(standing: Standing): void {
    const isEnded = isOver(standing);
    this.#isKnown = true;
    this.#heardAt = this.owner.now();
    if (!isEnded && this.#isOld(standing.at)) return;
    if (this.isLive) this.#fillIn(standing);
    if (isEnded) this.#end(standing, this.#held);
    else this.#take(standing);
  }

  #take({ status, percent, at }: Standing): void {
    if (at !== 0n) this.#statusAt = at;
    this.#reach({ kind: 'percent', percent, caughtUp: true });
    this.#enter({ kind: 'status', status, oldStatus: this.#status, caughtUp: true });
  }

  #fillIn({ status, percent, failure, at }: Standing): void {
    const oldStatus = this.#emitted ?? 'NEW';
    const reached = status === 'COMPLETED' ? 100 : percent;
    const fillIn = (change: BuildChange): void => {
      const { address, owner } = this;
      this.#isFilledIn = true;
      owner.emit(filledIn({ address, at, change }).decoded, { caughtUp: true });
    };
    if (reached > this.#percent && reached <= 100)
      fillIn({ kind: 'percent', percent: reached, caughtUp: true });
    if (status === oldStatus) return;
    if (status === 'FAILED' && !this.#isFailureEmitted) {
      this.#isFailureEmitted = true;
      fillIn({ kind: 'failure', ...(failure ?? { type: 'unknown', info: REASON_MISSED }), caughtUp: true });
    }
    this.#emitted = status;
    fillIn({ kind: 'status', status, oldStatus, caughtUp: true });
  }

  /** The agent does not know the build any more. */
  lost(): void {
    const { address } = this;
    const info = `${address.agentName} does not know ${address.objectName} any more; how it ended is not known`;
    if (this.isLive && this.#isKnown) {
      const change = { kind: 'failure', type: 'unknown', info, caughtUp: true } as const;
      this.owner.emit(filledIn({ address, at: 0n, change }).decoded, { caughtUp: true });
      this.#emitted = undefined;
    }
    this.lose(unknownTo(address, this.wasRestarted));
  }

  /** For followers the build ends here: no answer of the agent is to be expected. */
  lose(reason: QmfError): void {
    this.#endUnconfirmed(this.#held);
    for (const follower of [...this.#followers]) follower.ended(reason);
  }

  tellSilence(isSilent: boolean): void {
    if (this.isRunning) for (const follower of [...this.#followers]) follower.silent(isSilent);
  }

  /** Nothing is emitted from now on. */
  drop(): void {
    this.#isDropped = true;
    clearTimeout(this.#failureTimer);
    for (const follower of [...this.#followers]) follower.ended();
  }

  async #hold(announcement: Announcement): Promise<void> {
    if (this.#held.length < HELD_EVENTS) this.#held.push(announcement);
    if (this.#isChecking) {
      void this.owner.check(this.address);
      return;
    }
    this.#isChecking = true;
    const answer = await this.owner.check(this.address);
    this.#isChecking = false;
    const held = this.#held;
    this.#held = [];
    if (!this.#isDropped) this.#settle(answer, held);
  }

  #settle(answer: EndAnswer, held: readonly Announcement[]): void {
    switch (answer.kind) {
      case 'over': {
        const { standing } = answer;
        const agreed = held.filter(({ addressed }) => agrees(addressed.change, standing));
        this.#confirmed = standing;
        for (const each of agreed) this.hear(each);
        // Instead of those that the agent contradicts.
        if (agreed.length < held.length && this.isLive) this.#fillIn(standing);
        this.#end(standing, held);
        return;
      }
      case 'running':
        if (!this.owner.hasFailedUnseen()) return;
        this.#settleUnconfirmed(held.filter(({ addressed }) => addressed.change.kind === 'failure'));
        return;
      case 'unknown':
        if (this.#isKnown) this.#settleUnconfirmed(held);
        else this.owner.forget(this);
        return;
      case 'silent':
        this.#settleUnconfirmed(held);
    }
  }

  /** The agent has died after it announced the end, or does not know the build any more. */
  #settleUnconfirmed(held: readonly Announcement[]): void {
    for (const each of held) this.hear(each, false);
    this.#endUnconfirmed(held);
  }

  /** The agent says that the build is over. */
  #end({ status, finishedImage, failure }: Standing, held: readonly Announcement[]): void {
    if (!this.isRunning) return;
    const { announced, reason } = endsIn(held);
    const change: StatusChange =
      announced?.status === status
        ? announced
        : { kind: 'status', status, oldStatus: this.#status, caughtUp: true };
    if (status === 'COMPLETED') {
      this.#complete({ ...change, finishedImage }, true);
      return;
    }
    this.#enter(change);
    if (failure !== undefined) this.#fail({ kind: 'failure', ...failure, caughtUp: reason === undefined });
    else if (reason !== undefined) this.#fail(reason);
    else this.#awaitReason(change.caughtUp);
  }

  #endUnconfirmed(held: readonly Announcement[]): void {
    if (!this.isRunning || held.length === 0) return;
    const confirmed = false;
    const { announced, reason = { kind: 'failure', ...NO_REASON, caughtUp: true } } = endsIn(held);
    // Unless a reason was announced.
    if (announced?.status === 'COMPLETED' && reason.caughtUp) {
      this.#complete({ ...announced, confirmed }, confirmed);
      return;
    }
    const { caughtUp } = reason;
    this.#enter({ kind: 'status', status: 'FAILED', oldStatus: this.#status, caughtUp, confirmed });
    this.#fail({ ...reason, confirmed });
  }

  /**
   * Agents of the original's time give a reason by an event alone, and for some failures none.
   *
   * @param caughtUp the failure was found by a query
   */
  #awaitReason(caughtUp: boolean): void {
    const info = caughtUp ? REASON_MISSED : NO_REASON.info;
    this.#failureTimer ??= setTimeout(() => {
      this.#fail({ kind: 'failure', type: NO_REASON.type, info, caughtUp: true });
    }, FAILURE_GRACE).unref();
  }

  /** An answer of the agent overtakes events from its outbox. */
  #isOld(at: bigint): boolean {
    return at !== 0n && at < this.#statusAt;
  }

  #reach(change: BuildChange & { readonly kind: 'percent' }): void {
    if (!this.isRunning || change.percent <= this.#percent || change.percent > 100) return;
    this.#percent = change.percent;
    this.#add(change);
  }

  #enter(change: StatusChange): void {
    // No status follows FAILED; its reason may still be on its way.
    if (!this.isRunning || change.status === this.#status || isTerminal(this.#status)) return;
    if (this.#history.length >= HISTORY_LIMIT && !isEnd(change)) return;
    this.#status = change.status;
    this.#add(change);
  }

  #complete(change: StatusChange, confirmed: boolean): void {
    this.#percent = 100;
    this.#status = change.status;
    this.#state = { kind: 'completed', finishedImage: change.finishedImage ?? '', confirmed };
    this.#finish(change);
  }

  #fail(change: FailureChange): void {
    if (!this.isRunning) return;
    const { type, info, confirmed = true } = change;
    this.#state = { kind: 'failed', type, info, confirmed };
    this.#finish(change);
  }

  #finish(change: BuildChange): void {
    clearTimeout(this.#failureTimer);
    this.#add(change);
    for (const follower of [...this.#followers]) follower.ended();
  }

  #add(change: BuildChange): void {
    if (this.#isRecording) this.#history.push(change);
    else this.#history = [...this.#history.filter(({ kind }) => kind !== change.kind), change];
    for (const follower of [...this.#followers]) follower.changed(change);
  }
}
