import { randomUUID } from 'node:crypto';
import type { Connection, Session } from 'rhea';
import { encodeBareMessage } from '../../codec/amqp10-message.js';
import { QmfError } from '../../errors.js';
import type { BodyForm, Envelope } from '../../message/envelope.js';
import { discard, socketClosed } from '../../rhea/discard.js';
import { deliverRaw } from '../../rhea/raw-deliveries.js';
import type { Binding, Peer, Wire } from '../transport.js';
import { toBareMessage } from './envelopes.js';
import { openReceiver } from './receiver-link.js';
import { SenderLink } from './sender-link.js';

/** Senders kept open at once; reply queues of short-lived consoles would pile up otherwise. */
const MAX_SENDERS = 64;
/** How long an orderly close waits for the broker's own close, in milliseconds. */
const CLOSE_TIMEOUT = 1_000;

export interface WireHooks {
  /** A message that could not be decoded was dropped. */
  malformed(error: QmfError): void;
}

/** An open AMQP 1.0 connection with one session: a receiver per binding, a sender per node. */
export class Amqp10Wire implements Wire {
  readonly closed: Promise<QmfError | undefined>;
  readonly #connection: Connection;
  readonly #session: Session;
  readonly #senders = new Map<string, SenderLink>();
  readonly #pendingBinds = new Set<(error: QmfError) => void>();
  #resolveClosed: (reason: QmfError | undefined) => void = () => undefined;
  #ended: QmfError | undefined;

  constructor(
    connection: Connection,
    readonly peer: Peer,
    readonly bodyForm: BodyForm,
    private readonly hooks: WireHooks,
  ) {
    this.#connection = connection;
    this.closed = new Promise(resolve => {
      this.#resolveClosed = resolve;
    });
    this.#session = connection.create_session();
    deliverRaw(this.#session);
    this.#session.on('session_close', () =>
      this.fail(new QmfError('connection_lost', 'the broker ended the session')),
    );
    this.#session.on('session_error', () =>
      this.fail(new QmfError('connection_lost', 'the broker ended the session')),
    );
    this.#session.begin();
  }

  async bind(binding: Binding, deliver: (envelope: Envelope) => void): Promise<() => void> {
    this.#assertOpen();
    let rejectOnEnd: ((error: QmfError) => void) | undefined;
    const ended = new Promise<never>((_resolve, reject) => {
      rejectOnEnd = reject;
      this.#pendingBinds.add(reject);
    });
    const opened = openReceiver(this.#session, binding, `${binding.key}.${randomUUID()}`, {
      deliver,
      malformed: error => this.hooks.malformed(error),
      // A session is deaf without one of its bindings; a fresh wire puts them all back.
      ended: error => this.fail(new QmfError('connection_lost', error.message)),
    });
    try {
      return await Promise.race([opened, ended]);
    } finally {
      if (rejectOnEnd !== undefined) this.#pendingBinds.delete(rejectOnEnd);
    }
  }

  send(envelope: Envelope): Promise<void> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    try {
      const bytes = encodeBareMessage(toBareMessage(envelope));
      return this.#senderFor(envelope.to.node).send(bytes);
    } catch (error) {
      return Promise.reject(QmfError.from(error, 'not_encodable'));
    }
  }

  async close(): Promise<void> {
    if (this.#ended === undefined) {
      this.#end(undefined, new QmfError('closed', 'the connection was closed'));
      this.#connection.close();
    }
    await Promise.race([socketClosed(this.#connection), delay(CLOSE_TIMEOUT)]);
    discard(this.#connection);
  }

  /** Called when the connection broke, or something on it that we can't do without. */
  fail(reason: QmfError): void {
    if (this.#ended !== undefined) return;
    this.#end(reason, reason);
    discard(this.#connection);
  }

  #end(reason: QmfError | undefined, forPending: QmfError): void {
    this.#ended = forPending;
    for (const sender of this.#senders.values()) sender.end(forPending);
    this.#senders.clear();
    for (const reject of this.#pendingBinds) reject(forPending);
    this.#pendingBinds.clear();
    this.#resolveClosed(reason);
  }

  #assertOpen(): void {
    if (this.#ended !== undefined) throw this.#ended;
  }

  #senderFor(node: string): SenderLink {
    let sender = this.#senders.get(node);
    if (sender === undefined) {
      this.#evictIdleSender();
      const link = new SenderLink(this.#session, node, `to-${node}.${randomUUID()}`, () => {
        if (this.#senders.get(node) === link) this.#senders.delete(node);
      });
      sender = link;
    } else {
      this.#senders.delete(node); // set again below: the map's order is that of last use
    }
    this.#senders.set(node, sender);
    return sender;
  }

  #evictIdleSender(): void {
    if (this.#senders.size < MAX_SENDERS) return;
    for (const [node, sender] of this.#senders) {
      if (!sender.idle) continue;
      this.#senders.delete(node);
      sender.close();
      return;
    }
  }
}

function delay(milliseconds: number): Promise<void> {
  return new Promise(resolve => {
    setTimeout(resolve, milliseconds).unref();
  });
}
