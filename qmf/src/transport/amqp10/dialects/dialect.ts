import type { Session } from 'rhea';
import type { QmfError } from '../../../errors.js';
import type { RheaError } from '../../../rhea/events.js';
import type { BareMessage } from '../../../codec/amqp10-message.js';
import type { Address, BodyForm } from '../../../message/envelope.js';
import type { BrokerAddress } from '../../broker-url.js';
import type { SecurityOptions } from '../../security.js';
import type { UserIds } from '../../../message/user-ids.js';
import type { Binding, Peer } from '../../transport.js';

/** The brokers whose ways with AMQP 1.0 we know. */
export const dialectNames = ['qpidd', 'broker-j', 'rabbitmq3', 'rabbitmq4', 'artemis', 'embedded'] as const;
export type DialectName = (typeof dialectNames)[number];

/** A source to attach a receiver to, in rhea's terms. */
export interface SourceTerminus {
  readonly address: string;
  readonly filter?: object;
  readonly capabilities?: readonly string[];
  readonly dynamic_node_properties?: Readonly<Record<string, string>>;
}

/** Where a message goes: to the link for `target`, or to the anonymous relay; and what it says of its way itself. */
export interface Route {
  /** Address of the link's target; absent for the anonymous relay. */
  readonly target?: string;
  readonly to: string;
  readonly subject?: string;
}

/** What a dialect may work with before a link is attached. */
export interface Workplace {
  readonly broker: BrokerAddress;
  /** As on the connection that is there; it warns of nothing. */
  readonly security: SecurityOptions;
  /** That of the link which is to be attached. */
  readonly session: Session;
  /** Whether to make the exchange; not where the broker has ended a session over that. */
  readonly makesExchange: boolean;
  /** Fires when the connection or the session has ended. */
  readonly signal: AbortSignal;
}

/** What a broker has said of itself until a connection is open. */
export interface LoggedInBroker {
  readonly peer: Peer;
  /** The mechanisms by which it lets people in. */
  readonly offered: readonly string[];
}

/** How QMF's exchanges and routing keys are told to one make of broker over AMQP 1.0 (wire document §1.5, §1.6). */
export interface Dialect {
  readonly name: DialectName;
  /** The form in which broadcasts reach most consoles (§2.4). */
  readonly bodyForm: BodyForm;
  /** What stands before the name of a virtual host; without it the broker takes a name for a host's and goes to its default one. */
  readonly vhostPrefix?: string;
  /** Whether the broker refuses a link by ending its session: then each link gets a session of its own. */
  readonly refusesBySession: boolean;
  /** Whether the broker says `released` to a message that no queue is bound for, which is no error on an exchange (§1.6). */
  readonly releasesUnroutable?: boolean;
  /**
   * Makes what a binding needs and the broker lacks, with a name for the queue where that is ours to make.
   *
   * @throws QmfError `address_refused` or `not_authorised`
   */
  prepare?(binding: Binding, queue: string, workplace: Workplace): Promise<void>;
  /**
   * What it means that the broker has ended the link's own session, in which something was being prepared. Where it is a lack of rights,
   * preparing is tried once more without making the exchange, which may be there.
   */
  sessionRefused?(error: RheaError | undefined): QmfError;
  source(binding: Binding, queue: string): SourceTerminus;
  route(to: Address): Route;
  /** The text of a reply-to, for peers of any make behind this broker. */
  replyText(address: Address): string;
  /** The address in a reply-to, in any form that this broker's peers use. */
  replyAddress(text: string): Address;
  /** How far user ids can be relied on over AMQP 1.0 (docs/brokers.md, "Who calls"). */
  userIds(broker: LoggedInBroker): UserIds;
  /** Whether user ids of AMQP 0-9-1 arrive as text instead of binary. */
  readonly textUserId?: boolean;
  /** Avoids what the broker cannot carry. */
  sent?(message: BareMessage): BareMessage;
  /** Undoes what the broker does to messages of other AMQP versions. */
  received?(message: BareMessage): BareMessage;
}
