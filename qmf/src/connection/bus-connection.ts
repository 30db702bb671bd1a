import { QmfError } from '../errors.js';
import type { BodyForm, Envelope } from '../message/envelope.js';
import { unknownUserIds, type UserIds } from '../message/user-ids.js';
import type { Binding, Transport, Wire } from '../transport/transport.js';
import { Bindings } from './bindings.js';
import { DropNews } from './drop-news.js';
import { EventStream } from './event-stream.js';
import { Failover } from './failover.js';
import { notifySafely } from './listeners.js';
import { openWire } from './open-wire.js';
import {
  type ConnectionOptions,
  type ConnectionSettings,
  connectionSettings,
  type DrainOptions,
  type SendOptions,
} from './options.js';
import { Outbox } from './outbox.js';
import { MalformedNews } from './malformed-news.js';
import { keepBindings } from './renewal.js';
import { RepeatedCuts } from './repeated-cuts.js';
import { wait, type WaitOptions } from './signals.js';
import { assertTransition, type ConnectionState, type ConnectionStatus, statusOf } from './state.js';
import { type ConnectionStatistics, Tally } from './statistics.js';
import { Unkept } from './unkept.js';

/**
 * What a broker that did not let us in the last time may cost those that did, in milliseconds: a host that is down keeps silent, and
 * the others of the list are not to wait for it for long.
 */
const DOUBTFUL_TIMEOUT = 2_000;

/**
 * A connection that stays: it dials one broker of a list, rebuilds its bindings on every new wire, and dials again when the wire
 * breaks. Sessions hang on to it and never see a socket.
 */
export class BusConnection implements AsyncDisposable {
  readonly #transports: readonly [Transport, ...Transport[]];
  readonly #settings: ConnectionSettings;
  readonly #bindings = new Bindings();
  readonly #listeners = new Set<(status: ConnectionStatus) => void>();
  readonly #malformed = new MalformedNews();
  readonly #tally = new Tally();
  readonly #drops: DropNews;
  readonly #outbox: Outbox;
  readonly #unkept = new Unkept(this.#tally, () => this.#checkDrained());
  readonly #cuts = new RepeatedCuts();
  readonly #stop = new AbortController();
  #state: ConnectionState = { kind: 'idle' };
  /** The one that is dialled, open, or comes next. */
  #transport: Transport;
  #lastOpen: Transport | undefined;
  #bodyForm: BodyForm;
  #userIds: UserIds = unknownUserIds;
  #running: Promise<void> = Promise.resolve();
  #drained: Promise<{ left: number }> | undefined;
  /** Ends a drain, with the number of messages that are left. */
  #endDrain: ((left: number) => void) | undefined;

  /**
   * @param transports a broker, or a list of them in the order in which they are tried
   * @throws QmfError `invalid_argument` for an empty list
   */
  constructor(transports: Transport | readonly Transport[], options: ConnectionOptions = {}) {
    this.#transports = atLeastOne(transports);
    [this.#transport] = this.#transports;
    this.#settings = connectionSettings(options);
    this.#drops = new DropNews(this.#settings.timers);
    this.#outbox = new Outbox({
      limit: this.#settings.outboxLimit,
      byteLimit: this.#settings.outboxBytes,
      window: this.#settings.sendWindow,
      tally: this.#tally,
      timers: this.#settings.timers,
      onDrop: () => this.#drops.count(),
      onEmpty: () => this.#checkDrained(),
    });
    this.#bodyForm = this.#transport.bodyForm ?? 'value';
  }

  /** The broker that the connection is open to, or goes to next; for people. */
  get broker(): string {
    return this.#transport.description;
  }

  get state(): ConnectionState['kind'] {
    return this.#state.kind;
  }

  /** The form for broadcasts at this broker; while it is away, that of the last time. */
  get bodyForm(): BodyForm {
    return this.#bodyForm;
  }

  /** How far user ids can be relied on at this broker; while it is away, as the last time, and before the first time not at all. */
  get userIds(): UserIds {
    return this.#userIds;
  }

  get statistics(): ConnectionStatistics {
    const { size, bytes, underWay } = this.#outbox;
    const held = { waiting: size - underWay, underWay: underWay + this.#unkept.count, bytes };
    return { ...this.#tally.counts(), malformed: this.#malformed.count, ...held };
  }

  /** Starts dialling. What comes of it is told by {@link status} and {@link ready}. */
  start(): void {
    if (this.#state.kind !== 'idle') return;
    this.#running = this.#run();
  }

  /**
   * Resolves when the connection is open.
   *
   * @throws QmfError the reason when it has failed, `closed`, `timeout` (default after 60 s) or `aborted`
   */
  async ready(options: WaitOptions = {}): Promise<void> {
    if (this.#state.kind === 'open') return;
    if (this.#state.kind === 'failed') throw this.#state.reason;
    if (this.#isLeaving()) throw this.#closedError();
    const limits = {
      timeout: options.timeout ?? 60_000,
      signal: options.signal,
      timers: this.#settings.timers,
    };
    await wait<undefined>(`connecting to ${this.broker}`, limits, (resolve, reject) => {
      return this.onStatus(status => {
        if (status.kind === 'open') resolve(undefined);
        else if (status.kind === 'failed') reject(status.reason);
        else if (status.kind === 'closed') reject(this.#closedError());
      });
    });
  }

  /** The present state, once the connection was started, and all that follow, ending with `closed`. */
  status(): AsyncIterableIterator<ConnectionStatus> {
    const stream = new EventStream<ConnectionStatus>(() => this.#listeners.delete(listener));
    const listener = (status: ConnectionStatus): void => {
      stream.push(status);
      if (status.kind === 'closed') stream.end();
    };
    this.#listeners.add(listener);
    const present = statusOf(this.#state, this.broker);
    if (present !== undefined) listener(present);
    return stream;
  }

  /** Calls `listener` at every change; the result unsubscribes. */
  onStatus(listener: (status: ConnectionStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls `listener` with the number of messages that found no room since the last call, at most once a second. */
  onDropped(listener: (count: number) => void): () => void {
    return this.#drops.listen(listener);
  }

  /** Calls `listener` with each message of a peer that cannot be decoded, which is dropped; the result unsubscribes. */
  onMalformed(listener: (error: QmfError) => void): () => void {
    return this.#malformed.listen(listener);
  }

  /**
   * Listens to a key until the result is called, across reconnects.
   *
   * @throws QmfError when the broker refuses the address, and the binding is forgotten then; `closed` when it is too late
   */
  async bind(binding: Binding, deliver: (envelope: Envelope) => void): Promise<() => void> {
    if (this.#isLeaving()) throw this.#closedError();
    return this.#bindings.add(binding, deliver, this.#state.kind === 'open' ? this.#state.wire : undefined);
  }

  /**
   * Listens to a key on the present connection to the broker alone, until the result is called. A refusal has no other consequence.
   *
   * @throws QmfError when the broker refuses the address; `connection_lost` when there is no connection, or it ended meanwhile
   */
  async bindHere(binding: Binding, deliver: (envelope: Envelope) => void): Promise<() => void> {
    const state = this.#state;
    if (state.kind !== 'open') throw this.#away();
    const { wire } = state;
    const lost = wire.closed.then(() => Promise.reject(this.#away()));
    return Promise.race([wire.bind(binding, deliver), lost]);
  }

  /**
   * Sends a message. Resolves when the broker has accepted it.
   *
   * @throws QmfError as {@link Wire.send}; `connection_lost` when the broker is away, or went away before its word on a message that
   *   isn't to be kept; `outbox_full` for a message that found no room, or had to make room for others; `closed`
   */
  send(envelope: Envelope, options: SendOptions): Promise<void> {
    const state = this.#state;
    if (state.kind === 'closed') return Promise.reject(this.#closedError());
    if (state.kind === 'failed') return Promise.reject(state.reason);
    if (options.whileAway === 'keep') return this.#outbox.keep(envelope, options.importance ?? 'lasting');
    if (state.kind === 'draining') return Promise.reject(this.#closedError());
    if (state.kind === 'open') return this.#unkept.send(state.wire, envelope, this.broker);
    return Promise.reject(this.#away());
  }

  #away(): QmfError {
    return new QmfError('connection_lost', `no connection to ${this.broker} at present`);
  }

  /**
   * Leaves in good order: takes no new bindings and no messages but kept ones, waits until everything has been accepted, at most so
   * long, and closes. Without an open connection it closes at once, and a break while draining is not mended. Never rejects; a
   * second call gives the same.
   *
   * @returns `left`, the number of messages that the broker has not accepted
   */
  drain(options: DrainOptions = {}): Promise<{ left: number }> {
    return (this.#drained ??= this.#drain(options.timeout ?? 5_000));
  }

  async #drain(timeout: number): Promise<{ left: number }> {
    let left = this.#unsettled;
    if (this.#state.kind === 'open') {
      this.#enter({ kind: 'draining', wire: this.#state.wire });
      left = await new Promise<number>(resolve => {
        const cancel = this.#settings.timers.after(timeout, () => this.#endDrain?.(this.#unsettled));
        this.#endDrain = count => {
          this.#endDrain = undefined;
          cancel();
          resolve(count);
        };
        this.#checkDrained();
      });
    }
    await this.close();
    return { left };
  }

  get #unsettled(): number {
    return this.#outbox.size + this.#unkept.count;
  }

  #checkDrained(): void {
    if (this.#endDrain !== undefined && this.#unsettled === 0) this.#endDrain(0);
  }

  /** Closes at once and for good. What the broker has not accepted fails with `closed`. Never rejects. */
  async close(): Promise<void> {
    const before = this.#state;
    if (before.kind !== 'closed') {
      this.#endDrain?.(this.#unsettled);
      this.#enter({ kind: 'closed' });
      this.#stop.abort();
      this.#outbox.fail(this.#closedError());
      this.#drops.end();
      if (before.kind === 'open' || before.kind === 'draining') await before.wire.close();
    }
    await this.#running;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(): Promise<void> {
    const { retry, random, timers } = this.#settings;
    const names = this.#transports.map(({ description }) => description);
    const failover = new Failover(names, retry, random, timers.now());
    let reason: QmfError | undefined;
    for (let attempt = 1; ; attempt++) {
      this.#enter({ kind: 'dialling', attempt, ...(reason === undefined ? {} : { reason }) });
      const end = await this.#attempt(this.#timeLimit(failover.isDoubtful));
      if (this.#isLeaving()) return;
      ({ reason } = end);
      if (end.openFor !== undefined) attempt = 0;
      const next = failover.failed(reason, timers.now(), end.openFor);
      if (next.kind === 'give-up') {
        this.#outbox.fail(next.reason);
        this.#drops.end();
        this.#enter({ kind: 'failed', reason: next.reason });
        return;
      }
      this.#transport = this.#transports[failover.present] ?? this.#transport;
      if (next.kind === 'dial') continue;
      this.#enter({ kind: 'waiting', attempt: attempt + 1, delay: next.delay, reason: next.reason });
      await this.#pause(next.delay);
      if (this.#isLeaving()) return;
    }
  }

  /** For one dial, in milliseconds. */
  #timeLimit(isDoubtful: boolean): number {
    const { dialTimeout, firstRound } = this.#settings;
    const limit = isDoubtful ? Math.min(dialTimeout, DOUBTFUL_TIMEOUT) : dialTimeout;
    return this.#lastOpen === undefined ? Math.min(limit, firstRound / this.#transports.length) : limit;
  }

  /** From a dial to the end of what came of it. */
  async #attempt(timeout: number): Promise<{ reason: QmfError; openFor?: number }> {
    const { timers } = this.#settings;
    const { description } = this.#transport;
    let openedAt = 0;
    let wire: Wire;
    this.#tally.attempts++;
    try {
      wire = await openWire(this.#transport, {
        bindings: this.#bindings,
        timeout,
        signal: this.#stop.signal,
        timers,
        onMalformed: this.#malformed.tell,
        onOpen: opened => {
          openedAt = timers.now();
          this.#opened(opened);
        },
      });
    } catch (error) {
      return { reason: QmfError.from(error, 'unreachable') };
    }
    const stopRenewal = keepBindings(wire, this.#settings);
    const ended = await wire.closed;
    stopRenewal();
    const { underWay } = this.#outbox;
    this.#outbox.detach();
    this.#endDrain?.(this.#unsettled);
    const reason = ended ?? new QmfError('connection_lost', `the connection to ${description} ended`);
    const openFor = timers.now() - openedAt;
    return { reason: this.#cuts.named(reason, underWay, openFor), openFor };
  }

  #opened(wire: Wire): void {
    const before = this.#lastOpen;
    const movedFrom = before === this.#transport ? undefined : before?.description;
    this.#lastOpen = this.#transport;
    if (before !== undefined) this.#tally.reconnects++;
    if (movedFrom !== undefined) this.#tally.failovers++;
    this.#bodyForm = wire.bodyForm;
    this.#userIds = wire.userIds;
    this.#enter({ kind: 'open', wire, ...(movedFrom === undefined ? {} : { movedFrom }) });
    // After the listeners: an agent tells who it is before what it kept.
    const { kind } = this.#state;
    if (kind === 'open' || kind === 'draining') this.#outbox.attach(wire);
  }

  async #pause(delay: number): Promise<void> {
    const { signal } = this.#stop;
    await new Promise<void>(resolve => {
      const done = (): void => {
        cancel();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const cancel = this.#settings.timers.after(delay, done);
      signal.addEventListener('abort', done, { once: true });
    });
  }

  #isLeaving(): boolean {
    return this.#state.kind === 'closed' || this.#state.kind === 'draining';
  }

  #enter(next: ConnectionState): void {
    if (this.#state.kind === 'closed') return;
    assertTransition(this.#state.kind, next.kind);
    this.#state = next;
    const status = statusOf(next, this.broker);
    if (status !== undefined) notifySafely(this.#listeners, status);
  }

  #closedError(): QmfError {
    return new QmfError('closed', `the connection to ${this.broker} was closed`);
  }
}

function atLeastOne(transports: Transport | readonly Transport[]): readonly [Transport, ...Transport[]] {
  const [first, ...others] = 'dial' in transports ? [transports] : transports;
  if (first === undefined) throw new QmfError('invalid_argument', 'a connection needs at least one broker');
  return [first, ...others];
}
