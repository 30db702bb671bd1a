import type { Connection, Delivery, Receiver, Sender, Session } from 'rhea';

/**
 * What the broker touches of rhea 3.0 beyond its typings, in one place. rhea's server side trusts its peers: it keeps no
 * message bound, loops over whatever range a disposition names, writes to the console about odd frames, and knows a link by its
 * name alone though AMQP allows one of each direction. These are the seams at which the broker puts that right.
 */
export interface SessionInternals {
  readonly local: { readonly channel: number; readonly begin: { handle_max: number } };
  readonly outgoing: OutgoingInternals;
  readonly incoming: IncomingInternals;
  links: Record<string, LinkInternals>;
  on_attach(frame: AttachFrame): void;
  on_flow(frame: FlowFrame): void;
  on_disposition(frame: DispositionFrame): void;
  _get_link(frame: { readonly performative: unknown }): LinkInternals;
}

/** Only the counters are used: the broker writes its own transfers (see outbox.ts). */
export interface OutgoingInternals {
  next_delivery_id: number;
  next_pending_delivery: number;
  next_transfer_id: number;
  transfer_window(): number;
}

export interface IncomingInternals {
  on_transfer(frame: TransferFrame, receiver: LinkInternals): void;
  /** Deliveries whose outcome has yet to be told. */
  updated: readonly { readonly state?: unknown }[];
  process(session: unknown): void;
  next_transfer_id: number;
}

export interface LinkInternals {
  name: string;
  credit: number;
  delivery_count: number;
  issue_flow: boolean;
  readonly connection: { _register(): void };
  readonly local: {
    readonly handle: number;
    readonly attach: {
      source: unknown;
      target: unknown;
      snd_settle_mode: number;
      rcv_settle_mode: number;
      max_message_size: number;
    };
  };
  _incomplete?: { settled: boolean; frames?: Buffer[] } | undefined;
  is_receiver(): boolean;
}

export interface AttachFrame {
  readonly performative: {
    readonly name: unknown;
    readonly handle: unknown;
    readonly role: unknown;
    source: unknown;
    target: unknown;
    readonly initial_delivery_count: unknown;
  };
}

export interface FlowFrame {
  readonly performative: {
    readonly handle: unknown;
    delivery_count: number | null | undefined;
    link_credit: number | null | undefined;
    readonly echo: unknown;
  };
}

export interface DispositionFrame {
  readonly performative: {
    readonly role: unknown;
    first: unknown;
    last: unknown;
    readonly settled: unknown;
    state: unknown;
  };
}

export interface TransferFrame {
  readonly performative: { readonly aborted: unknown; readonly more: unknown };
  payload?: Buffer;
}

export interface ConnectionInternals {
  accept(socket: unknown): void;
  _register(): void;
  /** A `sasl.Server`, or a `sasl.Selective` that has one among the two it selects from. */
  readonly sasl_transport?: SaslInternals & { readonly selected?: SaslInternals };
}

export interface SaslInternals {
  readonly username?: string;
  /** `callback` is what a PlainServer has and an AnonymousServer has not. */
  readonly mechanism?: { readonly callback?: unknown };
}

// The casts below state what lib/session.js, lib/link.js and lib/connection.js of rhea 3.0 define; the typings leave it out.

export function sessionInternals(session: Session): SessionInternals {
  return session as unknown as SessionInternals;
}

export function linkInternals(link: Sender | Receiver): LinkInternals {
  return link as unknown as LinkInternals;
}

export function connectionInternals(connection: Connection): ConnectionInternals {
  return connection as unknown as ConnectionInternals;
}

/** Lets rhea forget an incoming delivery without a word to the peer. */
export function forgetDelivery(delivery: Delivery): void {
  (delivery as { settled: boolean }).settled = true;
}
