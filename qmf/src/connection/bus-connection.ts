import { QmfError } from '../errors.js';
import type { BodyForm, Envelope } from '../message/envelope.js';
import type { Binding, Transport, Wire } from '../transport/transport.js';
import { backoffDelay, defaultRetry, type RetryPolicy } from './backoff.js';
import { EventStream } from './event-stream.js';
import { notifyAll } from './listeners.js';
import { Outbox } from './outbox.js';
import { wait, type WaitOptions } from './signals.js';
import { assertTransition, type ConnectionState, type ConnectionStatus } from './state.js';

export interface ConnectionOptions {
  readonly retry?: Partial<RetryPolicy>;
  /** Milliseconds that one attempt may take; default 10 000. */
  readonly dialTimeout?: number;
  /** Messages that may wait while the broker is away; default 10 000. */
  readonly outboxLimit?: number;
  /** Gives numbers from 0 up to 1; for tests. */
  readonly random?: () => number;
}

export interface SendOptions {
  /**
   * What to do while the broker is away: `fail` at once (requests, whose caller wants to know), or `keep` the message in the
   * outbox and send it when the broker is back (events, answers).
   */
  readonly whileAway: 'fail' | 'keep';
}

interface Bound {
  readonly binding: Binding;
  readonly deliver: (envelope: Envelope) => void;
  /** Takes it off the present wire. */
  release: (() => void) | undefined;
}

/**
 * A connection that stays: it dials, rebuilds its bindings on every new wire, and dials again when the wire breaks. Sessions
 * hang on to it and never see a socket.
 */
export class BusConnection {
  readonly #transport: Transport;
  readonly #retry: RetryPolicy;
  readonly #dialTimeout: number;
  readonly #random: () => number;
  readonly #bound = new Set<Bound>();
  readonly #listeners = new Set<(status: ConnectionStatus) => void>();
  readonly #outbox: Outbox;
  readonly #stop = new AbortController();
  #state: ConnectionState = { kind: 'idle' };
  #bodyForm: BodyForm;
  #running: Promise<void> = Promise.resolve();

  constructor(transport: Transport, options: ConnectionOptions = {}) {
    this.#transport = transport;
    this.#retry = { ...defaultRetry, ...options.retry };
    this.#dialTimeout = options.dialTimeout ?? 10_000;
    this.#random = options.random ?? Math.random;
    this.#outbox = new Outbox(options.outboxLimit ?? 10_000);
    this.#bodyForm = transport.bodyForm ?? 'value';
  }

  /** Where the connection goes, for people. */
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

  /** Starts dialling. What comes of it is told by {@link status} and {@link ready}. */
  start(): void {
    if (this.#state.kind !== 'idle') return;
    this.#running = this.#run();
  }

  /**
   * Resolves when the connection is open.
   *
   * @throws QmfError the reason when it has failed, `closed`, `timeout` or `aborted`
   */
  async ready(options: WaitOptions = {}): Promise<void> {
    if (this.#state.kind === 'open') return;
    if (this.#state.kind === 'failed') throw this.#state.reason;
    if (this.#state.kind === 'closed') throw this.#closedError();
    await wait<undefined>(
      `connecting to ${this.broker}`,
      { timeout: options.timeout ?? 60_000, signal: options.signal },
      (resolve, reject) => {
        const listener = (status: ConnectionStatus): void => {
          if (status.kind === 'open') resolve(undefined);
          else if (status.kind === 'failed') reject(status.reason);
          else if (status.kind === 'closed') reject(this.#closedError());
        };
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
    );
  }

  /** Changes of state from now on, ending with `closed`. */
  status(): AsyncIterableIterator<ConnectionStatus> {
    const stream = new EventStream<ConnectionStatus>(() => this.#listeners.delete(listener));
    const listener = (status: ConnectionStatus): void => {
      stream.push(status);
      if (status.kind === 'closed') stream.end();
    };
    if (this.#state.kind === 'closed') stream.end();
    else this.#listeners.add(listener);
    return stream;
  }

  /** Calls `listener` at every change; the result unsubscribes. */
  onStatus(listener: (status: ConnectionStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Listens to a key until the result is called, across reconnects.
   *
   * @throws QmfError when the broker refuses the address; the binding is forgotten then.
   */
  async bind(binding: Binding, deliver: (envelope: Envelope) => void): Promise<() => void> {
    const bound: Bound = { binding, deliver, release: undefined };
    this.#bound.add(bound);
    const unbind = (): void => {
      this.#bound.delete(bound);
      bound.release?.();
      bound.release = undefined;
    };
    if (this.#state.kind !== 'open') return unbind; // put in place when the wire opens
    try {
      await this.#bindOn(this.#state.wire, bound);
    } catch (error) {
      const failure = QmfError.from(error, 'connection_lost');
      if (failure.retryable) return unbind; // the wire broke; the next one gets the binding
      this.#bound.delete(bound);
      throw failure;
    }
    return unbind;
  }

  async #bindOn(wire: Wire, bound: Bound): Promise<void> {
    const release = await wire.bind(bound.binding, bound.deliver);
    if (this.#bound.has(bound)) bound.release = release;
    else release(); // given up while the broker was still at it
  }

  /**
   * Sends a message. Resolves when the broker has accepted it.
   *
   * @throws QmfError as {@link Wire.send}; `connection_lost` while the broker is away and the message isn't to be kept.
   */
  send(envelope: Envelope, options: SendOptions): Promise<void> {
    switch (this.#state.kind) {
      case 'open':
        if (options.whileAway === 'fail') return this.#state.wire.send(envelope);
        // Something kept while the state is open: the wire broke just now, or its news is being told; keep the order.
        return this.#outbox.size > 0
          ? this.#outbox.keep(envelope)
          : this.#sendKept(this.#state.wire, envelope);
      case 'closed':
        return Promise.reject(this.#closedError());
      case 'failed':
        return Promise.reject(this.#state.reason);
      default:
        return options.whileAway === 'keep'
          ? this.#outbox.keep(envelope)
          : Promise.reject(new QmfError('connection_lost', `no connection to ${this.broker} at present`));
    }
  }

  /** A message that was under way when the wire broke goes out again on the next one; it may arrive twice. */
  #sendKept(wire: Wire, envelope: Envelope): Promise<void> {
    return wire.send(envelope).catch((error: unknown) => {
      const failure = QmfError.from(error, 'connection_lost');
      if (failure.code !== 'connection_lost') throw failure;
      // The news of the break may come before or after this failure; there may even be another wire already.
      if (this.#state.kind === 'open' && this.#state.wire === wire) return this.#outbox.keep(envelope);
      return this.send(envelope, { whileAway: 'keep' });
    });
  }

  /** Closes for good. What waits in the outbox fails. Never rejects. */
  async close(): Promise<void> {
    const before = this.#state;
    if (before.kind !== 'closed') {
      this.#enter({ kind: 'closed' });
      this.#stop.abort();
      this.#outbox.fail(this.#closedError());
      if (before.kind === 'open') await before.wire.close();
    }
    await this.#running;
  }

  async #run(): Promise<void> {
    let attempt = 1;
    while (!this.#stop.signal.aborted) {
      this.#enter({ kind: 'dialling', attempt });
      const result = await this.#attempt();
      if (this.#isClosed()) {
        if (result.kind === 'open') await result.wire.close();
        return;
      }
      let reason: QmfError;
      if (result.kind === 'open') {
        attempt = 1;
        const { wire } = result;
        this.#bodyForm = wire.bodyForm;
        this.#enter({ kind: 'open', wire });
        this.#outbox.flush(envelope => this.#sendKept(wire, envelope));
        const ended = await wire.closed;
        if (this.#isClosed()) return;
        reason = ended ?? new QmfError('connection_lost', `the connection to ${this.broker} ended`);
      } else {
        reason = result.reason;
        attempt++;
      }
      const givenUp = attempt > this.#retry.maxAttempts || (!reason.retryable && !this.#retry.retryRefused);
      if (givenUp) {
        this.#outbox.fail(reason);
        this.#enter({ kind: 'failed', reason });
        return;
      }
      await this.#pause(attempt, reason);
    }
  }

  /** Dials and puts the bindings in place; only then does the connection count as open. */
  async #attempt(): Promise<{ kind: 'open'; wire: Wire } | { kind: 'refused'; reason: QmfError }> {
    let wire: Wire | undefined;
    const limit = { timeout: this.#dialTimeout, signal: this.#stop.signal };
    const given = new AbortController();
    try {
      // The deadline covers the bindings too: a broker may open a connection and then never answer an attach.
      await wait<undefined>(`connecting to ${this.broker}`, limit, (resolve, reject) => {
        this.#transport
          .dial(given.signal)
          .then(async dialled => {
            wire = dialled;
            if (given.signal.aborted) await dialled.close();
            else await this.#bindAll(dialled);
          })
          .then(
            () => resolve(undefined),
            (error: unknown) => reject(QmfError.from(error, 'unreachable')),
          );
        return () => given.abort();
      });
      if (wire === undefined) throw new QmfError('unreachable', `${this.broker} gave no connection`);
      return { kind: 'open', wire };
    } catch (error) {
      await wire?.close();
      return { kind: 'refused', reason: this.#refusal(QmfError.from(error, 'unreachable')) };
    }
  }

  /** Until there is none left: sessions may ask for more bindings while these are under way. */
  async #bindAll(wire: Wire): Promise<void> {
    const done = new Set<Bound>();
    for (;;) {
      const missing = [...this.#bound].filter(bound => !done.has(bound));
      if (missing.length === 0) return;
      for (const bound of missing) done.add(bound);
      await Promise.all(missing.map(bound => this.#bindOn(wire, bound)));
    }
  }

  /** The only abort besides the owner's own is the dial deadline, which is worth another try. */
  #refusal(reason: QmfError): QmfError {
    if (reason.code !== 'aborted' && reason.code !== 'timeout') return reason;
    return new QmfError('unreachable', `${this.broker} did not answer within ${this.#dialTimeout / 1000} s`);
  }

  async #pause(attempt: number, reason: QmfError): Promise<void> {
    // The first attempt after an open connection has no failed one before it, the second after one has one.
    const delay = backoffDelay(Math.max(1, attempt - 1), this.#retry, this.#random);
    this.#enter({ kind: 'waiting', attempt, delay, reason });
    const { signal } = this.#stop;
    await new Promise<void>(resolve => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, delay);
      signal.addEventListener('abort', done, { once: true });
    });
  }

  #isClosed(): boolean {
    return this.#state.kind === 'closed';
  }

  #enter(next: ConnectionState): void {
    if (this.#state.kind === 'closed') return;
    assertTransition(this.#state.kind, next.kind);
    this.#state = next;
    const status = this.#describe(next);
    if (status === undefined) return;
    try {
      notifyAll(this.#listeners, status);
    } catch (error) {
      // A listener's bug is its owner's business; the connection goes on.
      process.emitWarning(error instanceof Error ? error : String(error));
    }
  }

  #describe(state: ConnectionState): ConnectionStatus | undefined {
    const { broker } = this;
    switch (state.kind) {
      case 'idle':
        return undefined;
      case 'open':
        return { kind: 'open', broker, peer: state.wire.peer };
      default:
        return { ...state, broker };
    }
  }

  #closedError(): QmfError {
    return new QmfError('closed', `the connection to ${this.broker} was closed`);
  }
}
