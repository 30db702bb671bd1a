import { matchesTopic, topicPattern } from '../../message/topic-match.js';
import type {
  AttachedLink,
  AttachFault,
  BrokerFaults,
  ConnectFault,
  DeliverFault,
  DeliveryOut,
  Match,
  Occasions,
  Publication,
  PublishFault,
  SaidError,
} from './kinds.js';
import { type FaultRule, Rules } from './rules.js';

/** What the switches act on that is there already. */
export interface FaultTargets {
  /** Closes every connection and gives how many there were. */
  close(error: SaidError | undefined): number;
  endSessions(error: SaidError | undefined): number;
  detach(matches: (link: AttachedLink) => boolean, error: SaidError | undefined): number;
  /** Deletes an exchange and detaches its publishers; gives whether there was one. */
  deleteExchange(name: string): boolean;
  /** Takes bindings of an exchange away, and gives how many there were. */
  unbind(exchange: string, matches: (key: string) => boolean): number;
  /** Gives publishers the credit that was withheld from them. */
  replenish(): void;
  freeze(frozen: boolean): void;
}

/**
 * Makes the broker misbehave, for tests of what must survive that. Rules strike again and again until they are taken back, unless
 * `times` says otherwise; of several that match, the one that was set first strikes.
 *
 * ```ts
 * broker.faults.publish('release', { subject: 'agent.ind.event.#', times: 3 });
 * const rule = broker.faults.deliver('drop', { subject: 'direct-console.#' });
 * rule.off();
 * ```
 */
export class FaultSwitches {
  readonly #publish = new Rules<Publication, PublishFault>();
  readonly #attach = new Rules<AttachedLink, AttachFault>();
  readonly #deliver = new Rules<DeliveryOut, DeliverFault>();
  readonly #connect = new Rules<undefined, ConnectFault>();
  readonly #credit = new Rules<AttachedLink, true>();
  readonly #asked: BrokerFaults;
  readonly #targets: FaultTargets;

  /** @internal */
  constructor(asked: BrokerFaults, targets: FaultTargets) {
    this.#asked = asked;
    this.#targets = targets;
  }

  /** Does this to messages as they come in. */
  publish(fault: PublishFault, match: Match = {}): FaultRule {
    const subject = subjectTest(match);
    const matches = (each: Publication): boolean =>
      subject(each.subject) && (match.address === undefined || match.address === (each.address || each.to));
    return this.#publish.add(fault, matches, match);
  }

  /** Refuses links as peers attach them. */
  attach(fault: AttachFault, match: Match = {}): FaultRule {
    return this.#attach.add(fault, linkTest(match), match);
  }

  /** Does this to messages as they go out. `address` is the name of a queue. */
  deliver(fault: DeliverFault, match: Match = {}): FaultRule {
    const subject = subjectTest(match);
    const matches = (each: DeliveryOut): boolean =>
      subject(each.subject) && (match.address === undefined || match.address === each.queue);
    return this.#deliver.add(fault, matches, match);
  }

  /** Does this to connections as they come in. */
  connect(fault: ConnectFault, occasions: Occasions = {}): FaultRule {
    return this.#connect.add(fault, () => true, occasions);
  }

  /** Gives publishers no further credit until the rule is taken back; what they have been given they keep. */
  withholdCredit(match: Pick<Match, 'address'> = {}): FaultRule {
    return this.#credit.add(true, linkTest({ ...match, role: 'sender' }), {}, () =>
      this.#targets.replenish(),
    );
  }

  /** Neither reads from the connections that are open now nor writes to them, and closes none, until the result is called. */
  freeze(): () => void {
    this.#targets.freeze(true);
    return () => this.#targets.freeze(false);
  }

  /** Detaches the links that match, and gives how many there were. */
  detach(error?: SaidError, match: Match = {}): number {
    return this.#targets.detach(linkTest(match), error);
  }

  /** Ends all sessions, and gives how many there were. */
  endSessions(error?: SaidError): number {
    return this.#targets.endSessions(error);
  }

  /** Closes all connections in an orderly way, and gives how many there were. */
  close(error?: SaidError): number {
    return this.#targets.close(error);
  }

  /**
   * Deletes an exchange, as an administrator does: publishers are detached with `amqp:resource-deleted`, as by qpidd, and those who are bound
   * to it hear nothing, not of its end nor of anything else. Gives whether there was one; `addExchange` of the broker makes it again.
   */
  deleteExchange(name: string): boolean {
    return this.#targets.deleteExchange(name);
  }

  /** Takes the bindings to an exchange away whose key is `key`, or all; gives how many there were. Nobody hears of it. */
  unbind(exchange: string, key?: string): number {
    return this.#targets.unbind(exchange, each => key === undefined || each === key);
  }

  /** Takes all rules back. What is frozen stays so. */
  clear(): void {
    for (const rules of [this.#publish, this.#attach, this.#deliver, this.#connect, this.#credit])
      rules.clear();
    this.#targets.replenish();
  }

  /** @internal Whether anything can happen to messages on their way in. */
  get watchesPublications(): boolean {
    return this.#publish.armed || this.#asked.publish !== undefined;
  }

  /** @internal */
  get watchesDeliveries(): boolean {
    return this.#deliver.armed;
  }

  /** @internal */
  onPublish(publication: Publication): PublishFault {
    return this.#publish.strike(publication) ?? this.#asked.publish?.(publication) ?? 'none';
  }

  /** @internal */
  onAttach(role: 'sender' | 'receiver', address: string): SaidError | undefined {
    const fault = this.#attach.strike({ role, address });
    if (fault !== undefined) return fault.error;
    const condition = this.#asked.attach?.(role, address);
    return condition === undefined ? undefined : { condition };
  }

  /** @internal */
  onDeliver(delivery: DeliveryOut): DeliverFault | undefined {
    return this.#deliver.strike(delivery);
  }

  /** @internal */
  onConnect(): ConnectFault | undefined {
    return this.#connect.armed ? this.#connect.strike(undefined) : undefined;
  }

  /** @internal */
  withholds(address: string): boolean {
    return this.#credit.armed && this.#credit.strike({ role: 'sender', address }) === true;
  }
}

/** The description that goes with a condition for which nobody gave one. */
export const faultText = 'a fault switch of the broker';

function subjectTest({ subject }: Match): (subject: string) => boolean {
  if (subject === undefined) return () => true;
  const pattern = topicPattern(subject);
  return each => matchesTopic(pattern, each);
}

function linkTest({ address, role }: Match): (link: AttachedLink) => boolean {
  return link =>
    (address === undefined || address === link.address) && (role === undefined || role === link.role);
}
