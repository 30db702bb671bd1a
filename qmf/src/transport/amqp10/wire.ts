import { randomUUID } from 'node:crypto';
import type { Connection, Session } from 'rhea';
import { encodeBareMessage } from '../../codec/amqp10-message.js';
import { QmfError } from '../../errors.js';
import type { BodyForm, Envelope } from '../../message/envelope.js';
import type { UserIds } from '../../message/user-ids.js';
import { discard, socketClosed } from '../../rhea/discard.js';
import { createSession } from '../../rhea/fresh-channels.js';
import { linksExhausted, sessionsExhausted } from '../../rhea/limits.js';
import { ignoreIdling, inputOf } from '../../rhea/socket.js';
import { readNullStates } from '../../rhea/quiet-dispositions.js';
import { deliverRaw } from '../../rhea/raw-deliveries.js';
import { on } from '../../rhea/events.js';
import { type BrokerAddress, describeBroker } from '../broker-url.js';
import { watchSilence } from '../silence.js';
import type { SecurityOptions } from '../security.js';
import type { Binding, Peer, Wire } from '../transport.js';
import { describeCondition } from './conditions.js';
import type { Dialect, Route } from './dialects/index.js';
import { toBareMessage } from './envelopes.js';
import { Listener, type Take } from './listener.js';
import { openReceiver } from './receiver-link.js';
import { type Outgoing, SenderLink } from './sender-link.js';

/** Senders kept open at once; reply queues of short-lived consoles would pile up otherwise. */
const MAX_SENDERS = 64;
/** How long an orderly close waits for the broker's own close, in milliseconds. */
const CLOSE_TIMEOUT = 1_000;

/** How long a link that is replaced stays beside the other, in milliseconds: what it alone was given is on its way to us. */
const OVERLAP = 500;

/** Name of the anonymous relay's link among the others, which are named by their addresses. */
const RELAY = '';

export interface WireSetup {
  readonly broker: BrokerAddress;
  readonly peer: Peer;
  readonly dialect: Dialect;
  readonly bodyForm: BodyForm;
  readonly userIds: UserIds;
  /** For a dialect that needs a connection of its own beside this one. */
  readonly security: SecurityOptions;
  /** A peer silent for this long is taken for dead; milliseconds, 0 for never. */
  readonly idleTimeout: number;
  /** A message that could not be decoded was dropped. */
  readonly malformed: (error: QmfError) => void;
}

/** An open AMQP 1.0 connection with one session: a receiver per binding, a sender per node. */
export class Amqp10Wire implements Wire {
  readonly peer: Peer;
  readonly bodyForm: BodyForm;
  readonly userIds: UserIds;
  readonly closed: Promise<QmfError | undefined>;
  readonly #setup: WireSetup;
  readonly #connection: Connection;
  readonly #session: Session;
  readonly #senders = new Map<string, SenderLink>();
  readonly #listeners = new Set<Listener>();
  /** Exchanges that we may not make, and that were there. */
  readonly #madeByOthers = new Set<string>();
  #isRenewing = false;
  readonly #pendingBinds = new Set<(error: QmfError) => void>();
  #resolveClosed: (reason: QmfError | undefined) => void = () => undefined;
  #ended: QmfError | undefined;
  readonly #over = new AbortController();
  readonly #stopWatch: () => void;
  /** The peer has begun the session, and said how many links it allows. */
  readonly #begun: Promise<void>;

  constructor(connection: Connection, setup: WireSetup) {
    this.peer = setup.peer;
    this.bodyForm = setup.bodyForm;
    this.userIds = setup.userIds;
    this.#setup = setup;
    this.#connection = connection;
    this.closed = new Promise(resolve => {
      this.#resolveClosed = resolve;
    });
    this.#session = this.#openSession();
    const lost = (): void => this.fail(sessionLost(this.#session));
    on(this.#session, 'session_error', lost);
    on(this.#session, 'session_close', lost);
    this.#begun = new Promise(resolve => on(this.#session, 'session_open', () => resolve()));
    ignoreIdling(connection);
    this.#stopWatch = watchSilence(inputOf(connection), setup.idleTimeout, () => {
      const time = `for ${setup.idleTimeout / 1000} s`;
      this.fail(new QmfError('connection_lost', `nothing came from ${describeBroker(setup.broker)} ${time}`));
    });
  }

  async bind(binding: Binding, deliver: (envelope: Envelope) => void): Promise<() => void> {
    this.#assertOpen();
    let rejectOnEnd: ((error: QmfError) => void) | undefined;
    const ended = new Promise<never>((_resolve, reject) => {
      rejectOnEnd = reject;
      this.#pendingBinds.add(reject);
    });
    const open = (asked: Binding, take: Take): Promise<() => void> => this.#openReceiver(asked, take);
    const listener = new Listener(binding, deliver, open);
    try {
      await Promise.race([listener.start(), ended]);
    } finally {
      if (rejectOnEnd !== undefined) this.#pendingBinds.delete(rejectOnEnd);
    }
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
      listener.close();
    };
  }

  async renewBindings(): Promise<void> {
    if (this.#isRenewing) return;
    this.#isRenewing = true;
    try {
      const silent = [...this.#listeners].filter(listener => listener.wasSilent());
      // One after the other: there may be many clients.
      for (const listener of silent) {
        if (hasEnded(this.#ended) || this.#hasNoLinkLeft) return;
        if (this.#listeners.has(listener)) await listener.renew(() => delay(OVERLAP));
      }
    } catch (error) {
      const { message } = QmfError.from(error, 'connection_lost');
      this.fail(new QmfError('connection_lost', message, { cause: error }));
    } finally {
      this.#isRenewing = false;
    }
  }

  get #hasNoLinkLeft(): boolean {
    return this.#setup.dialect.refusesBySession
      ? sessionsExhausted(this.#connection) !== undefined
      : linksExhausted(this.#session) !== undefined;
  }

  #listensTo(exchange: string): boolean {
    return [...this.#listeners].some(({ binding }) => binding.exchange === exchange);
  }

  async #openReceiver(binding: Binding, deliver: Take): Promise<() => void> {
    const { dialect, malformed } = this.#setup;
    const queue = `from.${randomUUID()}`;
    await this.#begun;
    let session: Session;
    try {
      session = await this.#preparedSession(binding, queue);
    } catch (error) {
      const failure = QmfError.from(error, 'connection_lost');
      // A binding that was lost on the way is put in place on the next connection, so there has to be one.
      if (failure.code === 'connection_lost') this.fail(failure);
      throw failure;
    }
    return openReceiver(session, binding, queue, dialect, {
      userIds: this.userIds,
      deliver,
      malformed: error => malformed(error),
      // A session is deaf without one of its bindings; a fresh wire puts them all back.
      ended: error => this.fail(new QmfError('connection_lost', error.message)),
    });
  }

  /** A session in which all is there that the binding needs. Who has no right to make exchanges can still use those of others. */
  async #preparedSession(binding: Binding, queue: string): Promise<Session> {
    const { exchange } = binding;
    if (this.#madeByOthers.has(exchange)) return this.#prepareSession(binding, queue, false);
    try {
      return await this.#prepareSession(binding, queue, true);
    } catch (error) {
      const refused = QmfError.from(error, 'connection_lost');
      if (refused.code !== 'not_authorised' || this.#setup.dialect.sessionRefused === undefined) throw error;
      const session = await this.#prepareSession(binding, queue, false).catch((second: unknown) => {
        // Where the exchange isn't there, why it could not be made says more.
        throw QmfError.from(second, 'connection_lost').code === 'address_refused' ? error : second;
      });
      this.#madeByOthers.add(exchange);
      return session;
    }
  }

  async #prepareSession(binding: Binding, queue: string, makesExchange: boolean): Promise<Session> {
    const session = this.#sessionForLink('address_refused');
    try {
      await this.#prepare(binding, queue, session, makesExchange);
      this.#assertOpen();
      return session;
    } catch (error) {
      if (session !== this.#session && session.is_open()) session.close();
      throw error;
    }
  }

  /** Some brokers refuse by ending the session; where it is the link's own, that costs this binding alone. */
  async #prepare(binding: Binding, queue: string, session: Session, makesExchange: boolean): Promise<void> {
    const { broker, dialect, security } = this.#setup;
    if (dialect.prepare === undefined) return;
    const ended = new AbortController();
    let isOver = false;
    const refused = new Promise<never>((_resolve, reject) => {
      if (session === this.#session) return; // everybody's, and watched already
      const end = (): void => {
        if (isOver) return;
        reject(dialect.sessionRefused?.(session.error) ?? sessionLost(session));
        ended.abort();
      };
      on(session, 'session_error', end);
      on(session, 'session_close', end);
    });
    const signal = AbortSignal.any([this.#over.signal, ended.signal]);
    const workplace = { broker, security, session, makesExchange, signal };
    try {
      await Promise.race([dialect.prepare(binding, queue, workplace), refused]);
    } finally {
      isOver = true;
    }
  }

  send(envelope: Envelope): Promise<void> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended.unsent());
    try {
      const { dialect } = this.#setup;
      const route = dialect.route(envelope.to);
      const message = toBareMessage(envelope, route, dialect);
      const bytes = encodeBareMessage(dialect.sent?.(message) ?? message);
      const { node, subject } = envelope.to;
      const exchange = subject === undefined ? undefined : node;
      return this.#senderFor(route, exchange).send({
        bytes,
        unroutable: this.#unroutable(envelope),
        isListenedTo: exchange !== undefined && this.#listensTo(exchange),
      });
    } catch (error) {
      return Promise.reject(QmfError.from(error, 'not_encodable'));
    }
  }

  /** To an exchange, as on all other brokers, a message for nobody is sent; to a queue it is not. */
  #unroutable({ to }: Envelope): Outgoing['unroutable'] {
    if (this.#setup.dialect.releasesUnroutable !== true) return 'released';
    return to.subject === undefined ? 'refused' : 'sent';
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
    this.#over.abort();
    this.#stopWatch();
    for (const sender of this.#senders.values()) sender.end(forPending);
    this.#senders.clear();
    for (const reject of this.#pendingBinds) reject(forPending);
    this.#pendingBinds.clear();
    this.#resolveClosed(reason);
  }

  #assertOpen(): void {
    if (this.#ended !== undefined) throw this.#ended;
  }

  #openSession(): Session {
    const session = createSession(this.#connection);
    deliverRaw(session);
    readNullStates(session);
    session.begin();
    return session;
  }

  /** @throws QmfError `code` when the broker allows no further session or link */
  #sessionForLink(code: 'address_refused' | 'message_released'): Session {
    const { broker, dialect } = this.#setup;
    const exhausted = (limit: number, what: string): QmfError =>
      new QmfError(code, `${describeBroker(broker)} allows ${limit} ${what}, and all are in use`);
    if (dialect.refusesBySession) {
      const sessions = sessionsExhausted(this.#connection);
      if (sessions !== undefined) throw exhausted(sessions, 'sessions on a connection');
      return this.#openSession();
    }
    const links = linksExhausted(this.#session);
    if (links !== undefined) throw exhausted(links, 'links on a session');
    return this.#session;
  }

  #senderFor({ target, to }: Route, exchange: string | undefined): SenderLink {
    const key = target ?? RELAY;
    let sender = this.#senders.get(key);
    if (sender === undefined) {
      this.#evictIdleSender();
      const link = new SenderLink(
        // An idle link that was closed just now makes room, so the message may get through later.
        this.#sessionForLink('message_released'),
        {
          ...(target === undefined ? {} : { address: target }),
          what: target === undefined ? 'the anonymous relay' : to,
          ownSession: this.#setup.dialect.refusesBySession,
          isListenedTo: () => target !== undefined && exchange !== undefined && this.#listensTo(exchange),
        },
        // Without the address, which a peer may have chosen: a broker that refuses a name ends the whole connection.
        `to.${randomUUID()}`,
        lost => {
          if (this.#senders.get(key) === link) this.#senders.delete(key);
          // Where it isn't known what arrived, the connection ends as a whole.
          if (lost !== undefined) this.fail(lost);
        },
      );
      sender = link;
    } else {
      this.#senders.delete(key); // set again below: the map's order is that of last use
    }
    this.#senders.set(key, sender);
    return sender;
  }

  #evictIdleSender(): void {
    if (this.#senders.size < MAX_SENDERS && linksExhausted(this.#session) === undefined) return;
    for (const [key, sender] of this.#senders) {
      if (!sender.idle) continue;
      this.#senders.delete(key);
      sender.close();
      return;
    }
  }
}

function sessionLost({ error }: Session): QmfError {
  return new QmfError('connection_lost', `the broker ended the session: ${describeCondition(error)}`);
}

/** Asked anew: the compiler takes it for unchanged since the last look. */
function hasEnded(reason: QmfError | undefined): boolean {
  return reason !== undefined;
}

function delay(milliseconds: number): Promise<void> {
  return new Promise(resolve => {
    setTimeout(resolve, milliseconds).unref();
  });
}
