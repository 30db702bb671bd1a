import { FairFifo } from './fair-fifo.js';
import { type BrokerMessage, detachFromInput } from './message.js';
import { messageOverhead, type Owner } from './quota.js';

/** What a queue may hold, and what happens when it is full. */
export interface QueueBounds {
  /** A publisher of which less than a 64th of that waits has places beyond it, up to a quarter more for all of them. */
  readonly maxMessages: number;
  readonly maxBytes: number;
  /**
   * `reject`: a full queue refuses new messages and their publisher sees the outcome `released`, as with qpidd's policy of that
   * name. `ring`: the oldest messages make room.
   */
  readonly whenFull: 'reject' | 'ring';
}

/** What a consumer does with a message that it is offered. */
export type Offer =
  /** It can't take any now. */
  | 'declined'
  /** It has it for good. */
  | 'taken'
  /** It has it and will say later what became of it; until then the message counts against the bounds of the queue. */
  | 'held';

/** Somebody who takes messages from a queue. */
export interface Consumer {
  offer(message: BrokerMessage): Offer;
}

/** When a queue goes away by itself. */
export type QueueLifetime =
  | { readonly until: 'deleted' }
  /** When its last consumer and its last publisher leave. */
  | { readonly until: 'unused' }
  /** When the link that made it closes. */
  | { readonly until: 'link-closed' };

export type QueueAccess = 'shared' | 'exclusive';

export interface QueueOptions {
  readonly name: string;
  readonly lifetime: QueueLifetime;
  readonly access: QueueAccess;
  readonly bounds: QueueBounds;
  /** The client that the queue is charged to. One of its `queues` has been taken already. */
  readonly owner: Owner;
  /** Who has made it: the user, or the client without one. Stays when the owner changes. */
  readonly maker: unknown;
  /** Milliseconds, for the ttl of messages. */
  readonly now: () => number;
}

export interface QueueStats {
  readonly name: string;
  readonly messages: number;
  readonly bytes: number;
  /** Messages that consumers hold and have not settled; `messages` and `bytes` do not count them. */
  readonly held: number;
  readonly consumers: number;
  /** Messages refused because the queue was full. */
  readonly refused: number;
  /** Messages that a ring queue dropped to make room. */
  readonly overwritten: number;
  readonly expired: number;
}

/** Parts of a queue's messages that there may be beyond its bound, for one publisher and in total. */
const reservedEach = 1 / 64;
const reservedPart = 1 / 4;

/**
 * A bounded queue. Consumers take turns; a message goes straight to a consumer when one is ready and no other waits. Publishers take turns too:
 * messages of one stay in order, and a backlog of one does not hold up those of another.
 */
export class BrokerQueue {
  readonly #waiting = new FairFifo<unknown, BrokerMessage>(({ publisher }) => publisher);
  readonly #consumers: Consumer[] = [];
  #turn = 0;
  #publishers = 0;
  #bytes = 0;
  #held = 0;
  #heldBytes = 0;
  #earliestExpiry = Infinity;
  #refused = 0;
  #overwritten = 0;
  #expired = 0;
  #deleted = false;
  readonly #endings: (() => void)[] = [];
  #owner: Owner;
  /** What the owner is charged for. */
  #cost = 0;
  #bindingWords = 0;
  readonly name: string;
  readonly lifetime: QueueLifetime;
  readonly access: QueueAccess;
  readonly maker: unknown;
  private readonly bounds: QueueBounds;
  private readonly now: () => number;

  constructor({ name, lifetime, access, bounds, owner, maker, now }: QueueOptions) {
    this.name = name;
    this.lifetime = lifetime;
    this.access = access;
    this.maker = maker;
    this.bounds = bounds;
    this.now = now;
    this.#owner = owner;
  }

  get owner(): Owner {
    return this.#owner;
  }

  /** Charges the queue to another client from now on, within its shares or not. */
  moveTo(owner: Owner): void {
    const { shares: before } = this.#owner;
    const { shares: after } = owner;
    before.queues.give(1);
    before.bytes.give(this.#cost);
    before.bindingWords.give(this.#bindingWords);
    after.queues.add(1);
    after.bytes.add(this.#cost);
    after.bindingWords.add(this.#bindingWords);
    this.#owner = owner;
  }

  /** Charges the owner for a binding of so many words; `false` when its share is used up. */
  addBinding(words: number): boolean {
    if (!this.#owner.shares.bindingWords.take(words)) return false;
    this.#bindingWords += words;
    return true;
  }

  /** The binding is gone while the queue stays. */
  removeBinding(words: number): void {
    this.#owner.shares.bindingWords.give(words);
    this.#bindingWords -= words;
  }

  get consumers(): number {
    return this.#consumers.length;
  }

  get deleted(): boolean {
    return this.#deleted;
  }

  /** Whether a consumer or a publisher is attached. */
  get used(): boolean {
    return this.#consumers.length > 0 || this.#publishers > 0;
  }

  /** Takes a message in; `false` when the queue is full. A message that nobody can take yet waits. */
  enqueue(message: BrokerMessage): boolean {
    if (!this.#makeRoom(message)) {
      this.#refused++;
      return false;
    }
    if (this.#waiting.size === 0 && this.#hand(message)) return true;
    detachFromInput(message);
    this.#waiting.push(message);
    this.#count(message);
    this.#charge(message, 1);
    return true;
  }

  /** A consumer is done with a message that it held. */
  settled(message: BrokerMessage): void {
    this.#held--;
    this.#heldBytes -= message.bytes.length;
    this.#charge(message, -1);
  }

  /** Takes messages back that a consumer held; they go in front of those of their publishers, in the order given. */
  putBack(messages: readonly BrokerMessage[]): void {
    for (const message of messages.toReversed()) {
      this.settled(message);
      if (this.#deleted) continue;
      this.#waiting.unshift(message);
      this.#count(message);
      this.#charge(message, 1);
    }
    if (messages.length > 0) this.pump();
  }

  /** Hands out waiting messages as long as a consumer takes them; called when a consumer becomes able to take some. */
  pump(): void {
    let message = this.#next();
    while (message !== undefined && this.#hand(message)) {
      this.#waiting.shift();
      this.#bytes -= message.bytes.length;
      this.#charge(message, -1);
      message = this.#next();
    }
  }

  addPublisher(): void {
    this.#publishers++;
  }

  removePublisher(): void {
    this.#publishers--;
  }

  addConsumer(consumer: Consumer): void {
    this.#consumers.push(consumer);
  }

  removeConsumer(consumer: Consumer): void {
    const index = this.#consumers.indexOf(consumer);
    if (index >= 0) this.#consumers.splice(index, 1);
  }

  /** Has something done when the queue is deleted. */
  atDeletion(ending: () => void): void {
    this.#endings.push(ending);
  }

  /** Only for the registry, which forgets the queue at the same time. */
  markDeleted(): void {
    this.#deleted = true;
    for (const ending of this.#endings.splice(0)) ending();
    for (let message = this.#waiting.shift(); message !== undefined; message = this.#waiting.shift()) {
      this.#charge(message, -1);
    }
    this.#waiting.clear();
    this.#bytes = 0;
    const { queues, bindingWords } = this.#owner.shares;
    queues.give(1);
    bindingWords.give(this.#bindingWords);
    this.#bindingWords = 0;
  }

  stats(): QueueStats {
    return {
      name: this.name,
      messages: this.#waiting.size,
      bytes: this.#bytes,
      held: this.#held,
      consumers: this.#consumers.length,
      refused: this.#refused,
      overwritten: this.#overwritten,
      expired: this.#expired,
    };
  }

  #hand(message: BrokerMessage): boolean {
    const consumers = this.#consumers;
    for (let tried = 0; tried < consumers.length; tried++) {
      if (this.#turn >= consumers.length) this.#turn = 0;
      switch (consumers[this.#turn++]?.offer(message)) {
        case 'taken':
          return true;
        case 'held':
          detachFromInput(message);
          this.#held++;
          this.#heldBytes += message.bytes.length;
          this.#charge(message, 1);
          return true;
        case 'declined':
        case undefined:
      }
    }
    return false;
  }

  /** The oldest message that has not expired. */
  #next(): BrokerMessage | undefined {
    let message = this.#waiting.peek();
    while (message !== undefined && message.expiresAt !== Infinity && message.expiresAt <= this.now()) {
      this.#dropped(this.#waiting.shift());
      this.#expired++;
      message = this.#waiting.peek();
    }
    return message;
  }

  #count(message: BrokerMessage): void {
    this.#bytes += message.bytes.length;
    if (message.expiresAt < this.#earliestExpiry) this.#earliestExpiry = message.expiresAt;
  }

  #dropped(message: BrokerMessage | undefined): void {
    if (message === undefined) return;
    this.#bytes -= message.bytes.length;
    this.#charge(message, -1);
  }

  #charge({ bytes }: BrokerMessage, sign: 1 | -1): void {
    const cost = sign * (bytes.length + messageOverhead);
    this.#cost += cost;
    this.#owner.shares.bytes.add(cost);
  }

  #fits(message: BrokerMessage): boolean {
    return (
      this.#hasPlace(message) &&
      this.#bytes + this.#heldBytes + message.bytes.length <= this.bounds.maxBytes &&
      this.#owner.shares.bytes.fits(message.bytes.length + messageOverhead)
    );
  }

  /** Beyond the bound there are places for publishers of which hardly any message waits, so that others cannot keep them out. */
  #hasPlace({ publisher }: BrokerMessage): boolean {
    const { maxMessages } = this.bounds;
    const size = this.#waiting.size + this.#held;
    if (size < maxMessages) return true;
    return (
      this.#waiting.sizeOf(publisher) < Math.floor(maxMessages * reservedEach) &&
      size < maxMessages * (1 + reservedPart)
    );
  }

  #fitsAlone({ bytes }: BrokerMessage): boolean {
    const cost = bytes.length + messageOverhead;
    return bytes.length <= this.bounds.maxBytes && this.#owner.shares.bytes.fits(cost - this.#cost);
  }

  #makeRoom(message: BrokerMessage): boolean {
    if (this.#fits(message)) return true;
    this.#dropExpired();
    if (this.bounds.whenFull === 'ring' && this.#fitsAlone(message)) {
      while (this.#waiting.size > 0 && !this.#fits(message)) {
        this.#dropped(this.#waiting.shiftLongest());
        this.#overwritten++;
      }
    }
    return this.#fits(message);
  }

  /** Walks the queue only when something in it has really expired, so a full queue does not pay for every refusal. */
  #dropExpired(): void {
    const now = this.now();
    if (this.#earliestExpiry > now) return;
    this.#earliestExpiry = Infinity;
    const before = this.#waiting.size;
    this.#bytes = 0;
    this.#waiting.retain(message => {
      const keep = message.expiresAt > now;
      if (keep) this.#count(message);
      else this.#charge(message, -1);
      return keep;
    });
    this.#expired += before - this.#waiting.size;
  }
}
