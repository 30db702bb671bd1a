import type { Delivery, Sender, Session } from 'rhea';
import { QmfError } from '../../errors.js';
import { CreditLeft, lapseCredit } from '../../rhea/credit.js';
import { isConfirmed, on, type RheaContext } from '../../rhea/events.js';
import { peerWords, shownName } from '../dial/peer-words.js';
import { describeCondition, exchangeGone, isGone, isTooLarge, linkError, mayPass } from './conditions.js';

interface Pending {
  readonly message: Outgoing;
  readonly resolve: () => void;
  readonly reject: (error: QmfError) => void;
}

/** A message on its way out. */
export interface Outgoing {
  readonly bytes: Buffer;
  /** What to make of a message that no queue takes, where the broker says `released` to it and means that. */
  readonly unroutable: 'released' | 'sent' | 'refused';
  /** Whether it goes to an exchange that we are bound to, and are deaf when it is gone. */
  readonly isListenedTo?: boolean;
}

/** Where a link sends to. */
export interface SenderTarget {
  /** Absent for the anonymous relay. */
  readonly address?: string;
  /** For people. */
  readonly what: string;
  /** Whether the session is this link's own, to end with it. */
  readonly ownSession: boolean;
  /** Whether it is an exchange that we are bound to. */
  readonly isListenedTo?: () => boolean;
}

/** Messages that may wait for credit on one link before further ones are refused. */
const MAX_WAITING = 10_000;

/**
 * A sending link that settles every send: messages wait here for credit, because rhea's session would hold up all other links
 * behind one without credit.
 */
export class SenderLink {
  readonly #sender: Sender;
  readonly #node: string;
  readonly #session: Session;
  readonly #isListenedTo: () => boolean;
  readonly #ownSession: boolean;
  readonly #onEnd: (lost: QmfError | undefined) => void;
  readonly #inFlight = new Map<Delivery, Pending>();
  readonly #credit: CreditLeft;
  #waiting: Pending[] = [];
  #state: 'attaching' | 'open' | 'ended' = 'attaching';
  #endedBy: QmfError | undefined;

  /** @param onEnd told when the broker ends the link; with an error when it isn't known whether messages arrived */
  constructor(
    session: Session,
    target: SenderTarget,
    name: string,
    onEnd: (lost: QmfError | undefined) => void,
  ) {
    const { address, what: node, ownSession } = target;
    this.#node = shownName(node);
    this.#session = session;
    this.#isListenedTo = target.isListenedTo ?? (() => false);
    this.#ownSession = ownSession;
    this.#onEnd = onEnd;
    this.#sender = session.open_sender({
      name,
      target: address === undefined ? {} : { address },
      // The two differ in what they say of another try.
      treat_modified_as_released: false,
    });
    this.#credit = new CreditLeft(this.#sender, session);
    on(this.#sender, 'sender_open', () => {
      // A refused link is attached without a target first, then detached with the reason.
      const confirmed = address === undefined || isConfirmed(this.#sender.target);
      if (this.#state === 'attaching' && confirmed) this.#state = 'open';
      this.#pump();
    });
    on(this.#sender, 'sendable', () => this.#pump());
    on(this.#sender, 'sender_draining', () => {
      this.#pump();
      // When what was handed over has been written.
      setImmediate(() => lapseCredit(this.#sender));
    });
    on(this.#sender, 'accepted', context => this.#settle(context));
    on(this.#sender, 'released', context => this.#released(context));
    on(this.#sender, 'modified', context => this.#settle(context, notNow(this.#node, context)));
    on(this.#sender, 'rejected', context => this.#rejected(context));
    on(this.#sender, 'settled', context => this.#settle(context));
    on(this.#sender, 'sender_error', () => this.#endRemotely());
    on(this.#sender, 'sender_close', () => this.#endRemotely());
    if (!ownSession) return;
    on(session, 'session_error', () => this.#endRemotely());
    on(session, 'session_close', () => this.#endRemotely());
  }

  send(message: Outgoing): Promise<void> {
    if (this.#state === 'ended') return Promise.reject((this.#endedBy ?? this.#lost()).unsent());
    if (this.#waiting.length >= MAX_WAITING) {
      return Promise.reject(
        new QmfError('outbox_full', `${MAX_WAITING} messages wait for ${this.#node} already`),
      );
    }
    return new Promise((resolve, reject) => {
      const pending: Pending = { message, resolve, reject };
      if (this.#waiting.length === 0 && this.#state === 'open' && this.#credit.any) this.#transfer(pending);
      else this.#waiting.push(pending);
    });
  }

  /** Fails everything unsettled; what was in flight may have arrived. */
  end(reason: QmfError): void {
    this.#end(reason, () => reason);
  }

  get idle(): boolean {
    return this.#inFlight.size === 0 && this.#waiting.length === 0;
  }

  /** Detaches an idle link. */
  close(): void {
    this.end(this.#lost());
    this.#sender.close();
    if (this.#ownSession) this.#session.close();
  }

  #transfer(pending: Pending): void {
    const { bytes } = pending.message;
    const limit: unknown = this.#sender.max_message_size;
    if (typeof limit === 'number' && limit > 0 && bytes.length > limit) {
      const sizes = `its ${bytes.length} bytes are more than the ${limit} that it takes`;
      pending.reject(new QmfError('message_rejected', `${this.#node} would reject the message: ${sizes}`));
      return;
    }
    const delivery = this.#sender.send(bytes, undefined, 0);
    this.#credit.handedOver(delivery);
    this.#inFlight.set(delivery, pending);
  }

  #pump(): void {
    if (this.#state !== 'open') return;
    let sent = 0;
    while (sent < this.#waiting.length && this.#credit.any) {
      const pending = this.#waiting[sent++];
      if (pending !== undefined) this.#transfer(pending);
    }
    if (sent > 0) this.#waiting.splice(0, sent);
  }

  #released(context: RheaContext): void {
    const { delivery } = context;
    const pending = delivery === undefined ? undefined : this.#inFlight.get(delivery);
    switch (pending?.message.unroutable) {
      case 'sent':
        this.#settle(context);
        return;
      case 'refused':
        this.#settle(context, new QmfError('address_refused', `there is no queue behind ${this.#node}`));
        return;
      case 'released':
      case undefined:
        this.#settle(context, new QmfError('message_released', notTaken(this.#node)));
    }
  }

  #rejected(context: RheaContext): void {
    const why = `${this.#node} rejected the message: ${rejection(context)}`;
    const { delivery } = context;
    const pending = delivery === undefined ? undefined : this.#inFlight.get(delivery);
    if (pending?.message.isListenedTo === true && isGone({ condition: conditionOf(context) })) {
      const lost = exchangeGone(`sending to ${this.#node}`, why);
      this.end(lost);
      this.#onEnd(lost);
      return;
    }
    this.#settle(context, new QmfError('message_rejected', why));
  }

  #settle(context: RheaContext, error?: QmfError): void {
    const { delivery } = context;
    if (delivery === undefined) return;
    const pending = this.#inFlight.get(delivery);
    if (pending === undefined) return;
    this.#inFlight.delete(delivery);
    if (error === undefined) pending.resolve();
    else pending.reject(error);
    if (this.#waiting.length > 0) this.#pump();
  }

  /**
   * What waited was never sent, so it can be tried again if the link can; of what was in flight nobody knows, unless the broker
   * refuses the address as such.
   */
  #endRemotely(): void {
    if (this.#state === 'ended') return;
    const what = `sending to ${this.#node}`;
    const error = this.#sender.error ?? this.#session.error;
    const why = describeCondition(error);
    if (isGone(error) && this.#isNeeded()) {
      const gone = exchangeGone(what, why);
      this.end(gone);
      this.#onEnd(gone);
      return;
    }
    const refusedWithoutReason = this.#state === 'attaching' && error === undefined;
    const passes = mayPass(error) && !refusedWithoutReason;
    const reason = passes ? new QmfError('message_released', `${what}: ${why}`) : linkError(what, error);
    const lost = new QmfError('connection_lost', `${what}: the broker ended the link: ${why}`);
    const tooLarge = isTooLarge(error) ? largest(this.#inFlight.values()) : undefined;
    const unsure = passes || tooLarge !== undefined;
    // A link that was open goes with the connection, and what waited for it goes out on the next, in its order.
    const goesOn = unsure && this.#state === 'open';
    const others = this.#inFlight.size + this.#waiting.length - (tooLarge === undefined ? 0 : 1);
    this.#end(goesOn ? lost : reason, pending => {
      if (pending === tooLarge) return new QmfError('message_rejected', `${what}: ${why}`);
      return unsure ? lost : reason;
    });
    this.#onEnd(goesOn && others > 0 ? lost : undefined);
  }

  /** Whether the address, or that of a message under way through the relay, is an exchange that we are bound to. */
  #isNeeded(): boolean {
    if (this.#isListenedTo()) return true;
    return [...this.#inFlight.values(), ...this.#waiting].some(
      ({ message }) => message.isListenedTo === true,
    );
  }

  #end(reason: QmfError, forInFlight: (pending: Pending) => QmfError): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#endedBy = reason;
    const inFlight = [...this.#inFlight.values()];
    const waiting = this.#waiting;
    this.#inFlight.clear();
    this.#waiting = [];
    for (const pending of inFlight) pending.reject(forInFlight(pending));
    for (const pending of waiting) pending.reject(reason.unsent());
  }

  #lost(): QmfError {
    return new QmfError('connection_lost', `the link to ${this.#node} is gone`);
  }
}

function largest(pending: Iterable<Pending>): Pending | undefined {
  let found: Pending | undefined;
  for (const each of pending) {
    if (found === undefined || each.message.bytes.length > found.message.bytes.length) found = each;
  }
  return found;
}

/** The outcome `modified`: not taken, and the broker says whether to try here again. */
function notNow(node: string, context: RheaContext): QmfError {
  return stateOf(context)['undeliverable_here'] === true
    ? new QmfError('message_rejected', `${node} will not take the message at all`)
    : new QmfError('message_released', notTaken(node));
}

/** For the operator of an agent, who sees this in its log. */
function notTaken(node: string): string {
  return `${node} did not take the message now; most often the queue of a console that has stopped reading is full`;
}

function rejection(context: RheaContext): string {
  const { error } = stateOf(context);
  if (typeof error !== 'object' || error === null) return 'no reason given';
  const description: unknown = 'description' in error ? error.description : undefined;
  const parts = [conditionOf(context), description];
  return peerWords(parts.filter(part => typeof part === 'string' && part !== '').join(': '));
}

/** The condition of the outcome `rejected`. */
function conditionOf(context: RheaContext): string | undefined {
  const { error } = stateOf(context);
  if (typeof error !== 'object' || error === null || !('condition' in error)) return undefined;
  return typeof error.condition === 'string' ? error.condition : undefined;
}

function stateOf(context: RheaContext): Readonly<Record<string, unknown>> {
  const state: unknown = context.delivery?.remote_state;
  // An outcome as rhea decodes it: an object with a property for each field.
  return typeof state === 'object' && state !== null ? (state as Readonly<Record<string, unknown>>) : {};
}
