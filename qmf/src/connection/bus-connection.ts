import { QmfError } from '../errors.js';
import type { BodyForm, Envelope } from '../message/envelope.js';
import type { Binding, Transport, Wire } from '../transport/transport.js';
import { backoffDelay, defaultRetry, type RetryPolicy } from './backoff.js';
import { EventStream } from './event-stream.js';
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

  constructor(transport: Transport, options: ConnectionOptions = {}) {
    this.#transport = transport;
    this.#retry = { ...defaultRetry, ...options.retry };
    this.#dialTimeout = options.dialTimeout ?? 10_000;
    this.#random = options.random ?? Math.random;
    this.#outbox = new Outbox(options.outboxLimit ?? 10_000);
  }

  /** Where the connection goes, for people. */
  get broker(): string {
    return this.#transport.description;
  }

  get state(): ConnectionState['kind'] {
    return this.#state.kind;
  }

  /** The form for broadcasts at this broker. */
  get bodyForm(): BodyForm {
    return this.#state.kind === 'open' ? this.#state.wire.bodyForm : 'value';
  }

  /** Starts dialling. What comes of it is told by {@link status} and {@link ready}. */
  start(): void {
    if (this.#state.kind !== 'idle') return;
    void this.#run();
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
    this.#listeners.add(listener);
    return stream;
  }

  /** Calls `listener` at every change; the result unsubscribes. */
  onStatus(listener: (status: ConnectionStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Listens to a key for as long as the connection lives, across reconnects.
   *
   * @throws QmfError when the broker refuses the address; the binding is forgotten then.
   */
  async bind(binding: Binding, deliver: (envelope: Envelope) => void): Promise<void> {
    const bound: Bound = { binding, deliver };
    this.#bound.add(bound);
    if (this.#state.kind !== 'open') return; // put in place when the wire opens
    try {
      await this.#state.wire.bind(binding, deliver);
    } catch (error) {
      const failure = QmfError.from(error, 'connection_lost');
      if (failure.retryable) return; // the wire broke; the next one gets the binding
      this.#bound.delete(bound);
      throw failure;
    }
  }

  /**
   * Sends a message. Resolves when the broker has accepted it.
   *
   * @throws QmfError as {@link Wire.send}; `connection_lost` while the broker is away and the message isn't to be kept.
   */
  send(envelope: Envelope, options: SendOptions): Promise<void> {
    switch (this.#state.kind) {
      case 'open':
        return options.whileAway === 'keep'
          ? this.#state.wire.send(envelope).catch((error: unknown) => this.#keepIfLost(envelope, error))
          : this.#state.wire.send(envelope);
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
  #keepIfLost(envelope: Envelope, error: unknown): Promise<void> {
    const failure = QmfError.from(error, 'connection_lost');
    if (failure.code !== 'connection_lost' || this.#isClosed()) return Promise.reject(failure);
    return this.#outbox.keep(envelope);
  }

  /** Closes for good. What waits in the outbox fails. Never rejects. */
  async close(): Promise<void> {
    const before = this.#state;
    if (before.kind === 'closed') return;
    this.#enter({ kind: 'closed' });
    this.#stop.abort();
    this.#outbox.fail(this.#closedError());
    if (before.kind === 'open') await before.wire.close();
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
        this.#enter({ kind: 'open', wire: result.wire });
        this.#outbox.flush(result.wire);
        const ended = await result.wire.closed;
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
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(this.#dialTimeout)]);
    let wire: Wire | undefined;
    try {
      wire = await this.#transport.dial(signal);
      const opened = wire;
      await Promise.all([...this.#bound].map(({ binding, deliver }) => opened.bind(binding, deliver)));
      return { kind: 'open', wire: opened };
    } catch (error) {
      await wire?.close();
      const reason = QmfError.from(error, 'unreachable');
      // The only abort besides the owner's own is the dial deadline, which is worth another try.
      return {
        kind: 'refused',
        reason:
          reason.code === 'aborted'
            ? new QmfError(
                'unreachable',
                `${this.broker} did not answer within ${this.#dialTimeout / 1000} s`,
              )
            : reason,
      };
    }
  }

  async #pause(attempt: number, reason: QmfError): Promise<void> {
    const delay = backoffDelay(attempt, this.#retry, this.#random);
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
    for (const listener of [...this.#listeners]) listener(status);
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
