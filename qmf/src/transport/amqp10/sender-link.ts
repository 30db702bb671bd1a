import type { Delivery, Sender, Session } from 'rhea';
import { QmfError } from '../../errors.js';
import { isConfirmed, on, type RheaContext } from '../../rhea/events.js';
import { linkError } from './conditions.js';

interface Pending {
  readonly bytes: Buffer;
  readonly resolve: () => void;
  readonly reject: (error: QmfError) => void;
}

/** Where a link sends to. */
export interface SenderTarget {
  /** Absent for the anonymous relay. */
  readonly address?: string;
  /** For people. */
  readonly what: string;
  /** Whether the session is this link's own, to end with it. */
  readonly ownSession: boolean;
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
  readonly #ownSession: boolean;
  readonly #onEnd: () => void;
  readonly #inFlight = new Map<Delivery, Pending>();
  #waiting: Pending[] = [];
  #state: 'attaching' | 'open' | 'ended' = 'attaching';
  #endedBy: QmfError | undefined;

  constructor(session: Session, target: SenderTarget, name: string, onEnd: () => void) {
    const { address, what: node, ownSession } = target;
    this.#node = node;
    this.#session = session;
    this.#ownSession = ownSession;
    this.#onEnd = onEnd;
    this.#sender = session.open_sender({ name, target: address === undefined ? {} : { address } });
    on(this.#sender, 'sender_open', () => {
      // A refused link is attached without a target first, then detached with the reason.
      const confirmed = address === undefined || isConfirmed(this.#sender.target);
      if (this.#state === 'attaching' && confirmed) this.#state = 'open';
      this.#pump();
    });
    on(this.#sender, 'sendable', () => this.#pump());
    on(this.#sender, 'accepted', context => this.#settle(context));
    on(this.#sender, 'released', context =>
      this.#settle(context, new QmfError('message_released', `${node} did not take the message now`)),
    );
    on(this.#sender, 'rejected', context =>
      this.#settle(
        context,
        new QmfError('message_rejected', `${node} rejected the message: ${rejection(context)}`),
      ),
    );
    on(this.#sender, 'settled', context => this.#settle(context));
    on(this.#sender, 'sender_error', () => this.#endRemotely());
    on(this.#sender, 'sender_close', () => this.#endRemotely());
    if (!ownSession) return;
    on(session, 'session_error', () => this.#endRemotely());
    on(session, 'session_close', () => this.#endRemotely());
  }

  send(bytes: Buffer): Promise<void> {
    if (this.#state === 'ended') return Promise.reject(this.#endedBy ?? this.#lost());
    if (this.#waiting.length >= MAX_WAITING) {
      return Promise.reject(
        new QmfError('outbox_full', `${MAX_WAITING} messages wait for ${this.#node} already`),
      );
    }
    return new Promise((resolve, reject) => {
      const pending: Pending = { bytes, resolve, reject };
      if (this.#waiting.length === 0 && this.#state === 'open' && this.#sender.sendable())
        this.#transfer(pending);
      else this.#waiting.push(pending);
    });
  }

  /** Fails everything unsettled; what was in flight may have arrived. */
  end(reason: QmfError): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#endedBy = reason;
    const unsettled = [...this.#inFlight.values(), ...this.#waiting];
    this.#inFlight.clear();
    this.#waiting = [];
    for (const pending of unsettled) pending.reject(reason);
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
    this.#inFlight.set(this.#sender.send(pending.bytes, undefined, 0), pending);
  }

  #pump(): void {
    if (this.#state !== 'open') return;
    let sent = 0;
    while (sent < this.#waiting.length && this.#sender.sendable()) {
      const pending = this.#waiting[sent++];
      if (pending !== undefined) this.#transfer(pending);
    }
    if (sent > 0) this.#waiting.splice(0, sent);
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

  #endRemotely(): void {
    if (this.#state === 'ended') return;
    this.end(linkError(`sending to ${this.#node}`, this.#sender.error ?? this.#session.error));
    this.#onEnd();
  }

  #lost(): QmfError {
    return new QmfError('connection_lost', `the link to ${this.#node} is gone`);
  }
}

function rejection(context: RheaContext): string {
  const state: unknown = context.delivery?.remote_state;
  const error: unknown =
    typeof state === 'object' && state !== null && 'error' in state ? state.error : undefined;
  if (typeof error !== 'object' || error === null) return 'no reason given';
  const description: unknown = 'description' in error ? error.description : undefined;
  const condition: unknown = 'condition' in error ? error.condition : undefined;
  return [condition, description].filter(part => typeof part === 'string' && part !== '').join(': ');
}
