import type {
  ConsoleOptions,
  RetryPolicy,
  Timers,
  Transport,
  TransportOptions,
  WaitOptions,
} from '@imagefactory/qmf';

export interface ConnectOptions extends ConsoleOptions, WaitOptions, Omit<TransportOptions, 'bodyForm'> {
  /**
   * `HOST`, `HOST:PORT` or `amqp://[user[:password]@]host[:port][/vhost]` for AMQP 1.0, with `amqp091://` for 0-9-1; default
   * `localhost`. Several, in a list or with commas between them, are tried in their order.
   */
  readonly broker?: string | readonly string[];
  /** Transports of the caller's instead of those that `broker` means; the options for TLS and logging in are theirs then. */
  readonly transport?: Transport | readonly Transport[];
  /** How to come back after the bus was lost. The first connection is tried once, then it is an error. */
  readonly retry?: Partial<RetryPolicy>;
  /** Milliseconds after which bindings are put in place anew; default 30 000, 0 for never (`ConnectionOptions` of the package qmf). */
  readonly renewal?: number;
  /** Milliseconds after which a build that nothing was heard of is asked how it stands: events can be lost. Default 10 000. */
  readonly silence?: number;
  /** Milliseconds that an agent has to confirm the announced end of a build before it is told unconfirmed. Default 5 000. */
  readonly confirmWithin?: number;
  /** Where the connection takes its time from; for tests. */
  readonly timers?: Timers;
}
