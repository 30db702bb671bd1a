import type { AmqpError, Delivery, EventContext, Receiver, Sender, Session } from 'rhea';
import { lapseCredit } from '../rhea/credit.js';
import { limitExceeded } from './attach.js';
import { ConsumerLink, type Unsettled } from './consumer-link.js';
import type { Exchange } from './exchange.js';
import { FrameError } from './frame-error.js';
import { type AttachedLink, faultText, type SaidError } from './faults/index.js';
import { type AttachEnvironment, attachConsumer, attachPublisher } from './link-attach.js';
import { Outbox } from './outbox.js';
import type { PeerSocket } from './peer-socket.js';
import {
  addressOf,
  answer,
  type Destination,
  publish,
  type PublishContext,
  type PublishResult,
} from './publisher-link.js';
import type { BrokerQueue } from './queue.js';
import { forgetDelivery, linkInternals, sessionInternals } from './rhea-internals.js';
import { guardSession, type Outcome, type SessionGuard, type SessionLimits } from './session-guard.js';
import { settledDisposition } from './transfer-frame.js';

/** Credit that a publisher gets, as from qpidd; topped up when half of it is used. */
const publisherCredit = 500;

const maxLinkNameBytes = 512;

/** Refused links of one client; a peer that leaves more of them undetached is cut off. */
const maxRefusedLinks = 256;

export interface SessionEnvironment extends AttachEnvironment {
  readonly limits: SessionLimits;
  readonly socket: PeerSocket;
  /** Largest frame that both sides take. */
  readonly maxFrameSize: () => number;
  readonly publishing: PublishContext;
  readonly closeConnection: (error: SaidError | undefined) => void;
}

/** One session of one peer: its links and what they lead to. */
export class BrokerSession {
  readonly #guard: SessionGuard;
  readonly #outbox: Outbox;
  readonly #channel: number;
  readonly #unsettled = new Map<number, Unsettled>();
  readonly #consumers = new Map<Sender, ConsumerLink>();
  /** What to clear up when a link ends, for the links that are up. */
  readonly #endings = new Map<Sender | Receiver, () => void>();
  readonly #links = new Map<Sender | Receiver, AttachedLink>();
  /** Links that the peer has not detached, those included that we have refused or ended. */
  readonly #attached = new Set<Sender | Receiver>();
  /** The same beyond the client's share, or on a session that is over. */
  readonly #refused = new Set<Sender | Receiver>();
  readonly #session: Session;
  /** We have ended the session; what still comes for it is past. */
  #over = false;

  constructor(
    session: Session,
    private readonly environment: SessionEnvironment,
  ) {
    this.#session = session;
    const internals = sessionInternals(session);
    this.#channel = internals.local.channel;
    this.#outbox = new Outbox(internals, environment.socket, environment.maxFrameSize);
    this.#guard = guardSession(session, environment.limits, {
      windowMoved: () => this.pump(),
      disposition: (first, last, outcome, settled) => this.#disposition(first, last, outcome, settled),
      // rhea gives its own links, of which LinkInternals shows a part.
      overflow: (link, error) => this.#closeLink(link as unknown as Receiver, error),
    });
    session.on('sender_open', ({ sender }: EventContext) => sender && this.#openConsumer(sender));
    session.on('receiver_open', ({ receiver }: EventContext) => receiver && this.#openPublisher(receiver));
    session.on('sender_draining', ({ sender }: EventContext) => sender && this.#drain(sender));
    session.on('sender_close', ({ sender }: EventContext) => sender && this.#detached(sender));
    session.on('receiver_close', ({ receiver }: EventContext) => receiver && this.#detached(receiver));
    // The close that follows an error clears up; without a listener rhea would raise the error on the container.
    session.on('sender_error', () => undefined);
    session.on('receiver_error', () => undefined);
  }

  /** The peer can perhaps take more. */
  pump(): void {
    this.#outbox.resume();
    for (const consumer of this.#consumers.values()) consumer.pump();
  }

  /** The session or its connection is gone. */
  close(): void {
    for (const link of [...this.#endings.keys()]) this.#endLink(link);
    this.#guard.transfers.close();
    this.environment.client.shares.links.give(this.#attached.size);
    this.#attached.clear();
    this.environment.client.refusedLinks -= this.#refused.size;
    this.#refused.clear();
  }

  /** The peer has detached a link. */
  #detached(link: Sender | Receiver): void {
    this.#endLink(link);
    this.#guard.transfers.detached(linkInternals(link));
    const { client } = this.environment;
    if (this.#attached.delete(link)) client.shares.links.give(1);
    if (this.#refused.delete(link)) client.refusedLinks--;
  }

  /** Counts a link until the peer detaches it; says why there may not be one more. */
  #admit(link: Sender | Receiver): AmqpError | undefined {
    const { links } = this.environment.client.shares;
    if (this.#over) {
      const error = { condition: 'amqp:session:errant-link', description: 'The session has ended' };
      return this.#refuse(link, error);
    }
    if (!links.take(1)) return this.#refuse(link, limitExceeded('links'));
    this.#attached.add(link);
    if (this.#guard.unknownTerminus) {
      return {
        condition: 'amqp:not-implemented',
        description: 'Only sources and targets are supported, no transactions',
      };
    }
    if (Buffer.byteLength(link.name) <= maxLinkNameBytes) return undefined;
    return {
      condition: 'amqp:invalid-field',
      description: `The name of a link has at most ${maxLinkNameBytes} bytes`,
    };
  }

  #refuse(link: Sender | Receiver, error: AmqpError): AmqpError {
    const { client } = this.environment;
    if (client.refusedLinks >= maxRefusedLinks)
      throw new FrameError(`more than ${maxRefusedLinks} links that were refused and not detached`);
    client.refusedLinks++;
    this.#refused.add(link);
    return error;
  }

  #openConsumer(link: Sender): void {
    const refusal = this.#admit(link);
    if (refusal !== undefined) {
      link.close(refusal);
      return;
    }
    const attach = attachConsumer(link, this.environment);
    if (attach.is === 'refused') {
      link.close(attach.error);
      return;
    }
    const { queue, settled, created, address } = attach;
    this.#links.set(link, { role: 'receiver', address });
    const consumer = new ConsumerLink(
      queue,
      linkInternals(link),
      this.#outbox,
      settled ? undefined : this.#unsettled,
      this.environment.faults,
    );
    this.#consumers.set(link, consumer);
    this.#endings.set(link, () => {
      this.#consumers.delete(link);
      consumer.close();
      this.#queueLost(queue, created);
    });
    // rhea writes our attach on the next tick, which it has asked for before this.
    process.nextTick(() => consumer.opened());
  }

  #openPublisher(link: Receiver): void {
    const refusal = this.#admit(link);
    if (refusal !== undefined) {
      link.close(refusal);
      return;
    }
    const attach = attachPublisher(link, this.environment);
    if (attach.is === 'refused') {
      link.close(attach.error);
      return;
    }
    const { destination, created } = attach;
    this.#links.set(link, { role: 'sender', address: addressOf(destination) });
    const node = nodeOf(destination);
    node?.addPublisher();
    this.#endings.set(link, () => {
      node?.removePublisher();
      if (destination.kind === 'queue') this.#queueLost(destination.queue, created);
    });
    this.#giveCredit(link);
    link.on('message', (context: EventContext) => {
      this.#publish(link, destination, context);
      this.#giveCredit(link);
    });
  }

  /** Tops the credit of a publisher up, if half of it is used and no fault switch withholds it. */
  #giveCredit(link: Receiver): void {
    const { credit } = linkInternals(link);
    if (credit > publisherCredit / 2) return;
    const { faults } = this.environment;
    if (faults.withholds(this.#links.get(link)?.address ?? '')) return;
    link.add_credit(publisherCredit - credit);
  }

  /** Credit may have been withheld from publishers that can have it now. */
  replenish(): void {
    for (const link of this.#endings.keys()) if (link.is_receiver()) this.#giveCredit(link as Receiver);
  }

  /** Ends the links that match, and gives how many there were. */
  detach(matches: (link: AttachedLink) => boolean, error: SaidError | undefined): number {
    const chosen = [...this.#links].filter(([, link]) => matches(link)).map(([link]) => link);
    for (const link of chosen) this.#closeLink(link, error);
    return chosen.length;
  }

  /** Ends the session, with all its links. */
  end(error: SaidError | undefined): void {
    this.#over = true;
    this.close();
    this.#session.close(error && { description: faultText, ...error });
  }

  #closeLink(link: Sender | Receiver, error: AmqpError | undefined): void {
    this.#endLink(link);
    link.close(error && { description: faultText, ...error });
  }

  #publish(link: Receiver, destination: Destination, { message, delivery }: EventContext): void {
    if (delivery === undefined || this.#over) return;
    if (!this.#endings.has(link)) {
      forgetDelivery(delivery); // a straggler on a link that we have closed
      return;
    }
    // deliverRaw makes every message a Buffer; rhea's typings know decoded ones only.
    this.#conclude(
      link,
      delivery,
      publish(message as unknown as Buffer, destination, this.environment.publishing),
    );
  }

  #conclude(link: Receiver, delivery: Delivery, result: PublishResult): void {
    answer(delivery, result);
    switch (result.is) {
      case 'accepted':
      case 'released':
      case 'rejected':
      case 'modified':
      case 'unanswered':
        return;
      case 'link-error':
      case 'detach':
        this.#closeLink(link, result.error);
        return;
      case 'end-session':
        this.end(result.error);
        return;
      case 'close':
        this.environment.closeConnection(result.error);
        return;
      case 'cut':
        this.environment.socket.destroy();
        return;
      case 'later':
        setTimeout(() => {
          if (this.#endings.has(link)) this.#conclude(link, delivery, result.result());
        }, result.milliseconds);
    }
  }

  /** The peer wants its credit used up now: after what can be sent, the rest of it lapses. */
  #drain(link: Sender): void {
    process.nextTick(() => {
      this.#consumers.get(link)?.pump();
      lapseCredit(link);
    });
  }

  #endLink(link: Sender | Receiver): void {
    this.#guard.transfers.forget(linkInternals(link));
    const ending = this.#endings.get(link);
    this.#endings.delete(link);
    this.#links.delete(link);
    ending?.();
  }

  /** A link that used or made the queue is gone. */
  #queueLost(queue: BrokerQueue, byItsMaker: boolean): void {
    switch (queue.lifetime.until) {
      case 'deleted':
        return;
      case 'unused':
        if (!queue.used) this.environment.nodes.deleteQueue(queue);
        return;
      case 'link-closed':
        if (byItsMaker) this.environment.nodes.deleteQueue(queue);
    }
  }

  #disposition(first: number, last: number, outcome: Outcome, settled: boolean): void {
    const count = ((last - first) >>> 0) + 1;
    if (count > this.#unsettled.size) {
      for (const id of [...this.#unsettled.keys()]) {
        if ((id - first) >>> 0 < count) this.#settle(id, outcome, settled);
      }
    } else {
      for (let index = 0; index < count; index++) this.#settle((first + index) >>> 0, outcome, settled);
    }
    if (!settled && outcome !== 'none') {
      this.environment.socket.write(settledDisposition(this.#channel, first, last, outcome));
    }
  }

  #settle(id: number, outcome: Outcome, settled: boolean): void {
    const delivery = this.#unsettled.get(id);
    if (delivery === undefined || (outcome === 'none' && !settled)) return;
    this.#unsettled.delete(id);
    delivery.link.settle(delivery.message, outcome);
  }
}

function nodeOf(destination: Destination): BrokerQueue | Exchange | undefined {
  switch (destination.kind) {
    case 'exchange':
      return destination.exchange;
    case 'queue':
      return destination.queue;
    case 'relay':
      return undefined;
  }
}
