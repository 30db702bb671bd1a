import type { Socket } from 'node:net';
import type { Connection, Container, EventContext, Session } from 'rhea';
import { packageVersion } from '../libraries.js';
import { limitExceeded } from './attach.js';
import type { BindNews } from './bind-news.js';
import type { Client } from './clients.js';
import { type AttachedLink, type FaultSwitches, faultText, type SaidError } from './faults/index.js';
import { FrameError } from './frame-error.js';
import { keepLittleOfOpen, keepLittleOfBegin } from './kept-frames.js';
import type { NodeRegistry } from './node-registry.js';
import type { BrokerSettings } from './options.js';
import type { OutputTotal } from './output-total.js';
import { PeerSocket } from './peer-socket.js';
import { connectionInternals } from './rhea-internals.js';
import { BrokerSession } from './session.js';

const maxContainerIdBytes = 255;
/** Milliseconds. A peer could otherwise have heartbeats sent without end. */
const leastIdleTimeout = 20;
/** Characters of what is said of a peer, in which its own words may stand. */
const longestSaying = 300;
const frameSizeUnsaid = 0xffff_ffff;

export interface ConnectionEnvironment {
  readonly container: Container;
  readonly settings: BrokerSettings;
  readonly nodes: NodeRegistry;
  readonly bindNews: BindNews;
  readonly faults: FaultSwitches;
  readonly output: OutputTotal;
  /** The client that opens a connection, or why it may not. */
  enter(user: string | undefined): Client | SaidError;
  /** The client's connection is gone. */
  leave(client: Client): void;
  /** A fault switch wants the connection closed as soon as it is open. */
  readonly closeAtOnce?: { readonly error: SaidError | undefined } | undefined;
  closed(connection: BrokerConnection): void;
}

type State =
  | { readonly at: 'handshake'; readonly deadline: NodeJS.Timeout }
  | { readonly at: 'open'; readonly client: Client }
  /** Opened and closed at once, since there are too many connections. */
  | { readonly at: 'refused' }
  | { readonly at: 'closed' };

interface OpenSession {
  readonly session: BrokerSession;
  /** Whether it is charged to the client; one beyond the client's share was ended and waits for the peer's end. */
  readonly isCounted: boolean;
}

/** One peer of the broker, from the accepted socket to its close. */
export class BrokerConnection {
  readonly #connection: Connection;
  readonly #socket: PeerSocket;
  readonly #sessions = new Map<Session, OpenSession>();
  readonly #label: string;
  #state: State;

  constructor(
    socket: Socket,
    private readonly environment: ConnectionEnvironment,
  ) {
    const { container, settings } = environment;
    this.#label = `${String(socket.remoteAddress)}:${String(socket.remotePort)}`;
    this.#socket = new PeerSocket(socket, settings.maxFrameSize, environment.output, {
      broken: error => this.#broken(error),
      writable: () => this.#pump(),
      closed: () => this.#closed(),
    });
    this.#state = {
      at: 'handshake',
      deadline: setTimeout(() => this.#late(), settings.handshakeTimeout).unref(),
    };
    this.#connection = container.create_connection(connectionOptions(settings));
    this.#listen();
    connectionInternals(this.#connection).accept(this.#socket);
  }

  /** Tells the peer why it is cut off, then closes. */
  close(error: SaidError | undefined): void {
    this.#connection.close(error && { description: faultText, ...error });
    this.#socket.end();
  }

  replenish(): void {
    for (const { session } of this.#sessions.values()) session.replenish();
  }

  endSessions(error: SaidError | undefined): number {
    const sessions = [...this.#sessions.values()];
    for (const { session } of sessions) session.end(error);
    return sessions.length;
  }

  detach(matches: (link: AttachedLink) => boolean, error: SaidError | undefined): number {
    return [...this.#sessions.values()].reduce((sum, { session }) => sum + session.detach(matches, error), 0);
  }

  /** Whether the peer has yet to open its connection. */
  get inHandshake(): boolean {
    return this.#state.at === 'handshake';
  }

  /** Cuts the connection off because others wait that may be quicker with their handshake. */
  makeWay(): void {
    this.#event('warn', 'cut off before its open: too many connections are not open yet');
    this.destroy();
  }

  /** Neither reads nor writes any more, or does again. */
  freeze(frozen: boolean): void {
    this.#socket.freeze(frozen);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #listen(): void {
    const connection = this.#connection;
    connection.on('connection_open', () => this.#opened());
    connection.on('session_open', ({ session }: EventContext) => session && this.#openSession(session));
    connection.on('session_close', ({ session }: EventContext) => session && this.#closeSession(session));
    connection.on('connection_close', () => this.#dropSessions());
    // rhea reports what it can't read as 'error' or 'protocol_error', and ends the socket after that.
    connection.on('error', (error: unknown) => this.#broken(error));
    connection.on('protocol_error', (error: unknown) => this.#broken(error));
    // Unheard, these would be raised on the container or written to the console.
    connection.on('connection_error', () => undefined);
    connection.on('session_error', () => undefined);
    connection.on('disconnected', () => undefined);
    connection.on('settled', () => undefined);
  }

  #opened(): void {
    if (this.#state.at !== 'handshake') return;
    clearTimeout(this.#state.deadline);
    const client = this.#admit();
    if ('condition' in client) {
      this.#state = { at: 'refused' };
      this.#event('warn', `refused: ${client.description ?? client.condition}`);
      this.close(client);
      return;
    }
    this.#state = { at: 'open', client };
    keepLittleOfOpen(this.#connection);
    this.#event('debug', `opened by ${this.#containerId()}`);
    if (this.environment.closeAtOnce !== undefined) this.close(this.environment.closeAtOnce.error);
  }

  #admit(): Client | SaidError {
    const idle: unknown = this.#connection['idle_time_out'];
    if (typeof idle === 'number' && idle > 0 && idle < leastIdleTimeout) {
      return {
        condition: 'amqp:not-allowed',
        description: `An idle-time-out is at least ${leastIdleTimeout} ms: heartbeats for less would cost too much`,
      };
    }
    if (Buffer.byteLength(this.#containerId()) <= maxContainerIdBytes) {
      return this.environment.enter(this.#user());
    }
    return {
      condition: 'amqp:invalid-field',
      description: `A container-id has at most ${maxContainerIdBytes} bytes`,
    };
  }

  #late(): void {
    this.#event('warn', 'no open within the time allowed');
    this.destroy();
  }

  #openSession(session: Session): void {
    const { settings, nodes, faults } = this.environment;
    const { maxSessions, maxMessageSize, maxLinks } = settings;
    if (this.#state.at === 'handshake') throw new FrameError('a begin before the open');
    if (this.#state.at !== 'open') return;
    if (this.#sessions.size >= maxSessions) throw new FrameError(`more than ${maxSessions} sessions`);
    const { client } = this.#state;
    keepLittleOfBegin(session);
    const opened = new BrokerSession(session, {
      nodes,
      client,
      containerId: this.#containerId(),
      socket: this.#socket,
      limits: { maxMessageSize, maxLinks, partialBytes: client.shares.partialBytes },
      maxFrameSize: () =>
        Math.max(512, Math.min(this.#connection.max_frame_size ?? frameSizeUnsaid, settings.maxFrameSize)),
      faults,
      publishing: { nodes, now: settings.now, client, faults },
      closeConnection: error => this.close(error),
      bound: event =>
        this.environment.bindNews.raise({ ...event, user: client.user ?? 'anonymous', host: this.#label }),
    });
    const isCounted = client.shares.sessions.take(1);
    this.#sessions.set(session, { session: opened, isCounted });
    if (!isCounted) opened.end(limitExceeded('sessions'));
  }

  #closeSession(session: Session): void {
    const opened = this.#sessions.get(session);
    if (opened === undefined) return;
    this.#sessions.delete(session);
    opened.session.close();
    if (opened.isCounted && this.#state.at === 'open') this.#state.client.shares.sessions.give(1);
  }

  #dropSessions(): void {
    for (const session of [...this.#sessions.keys()]) this.#closeSession(session);
  }

  #pump(): void {
    for (const { session } of this.#sessions.values()) session.pump();
  }

  #broken(error: unknown): void {
    const description = error instanceof Error ? error.message : String(error);
    this.#event('warn', `cut off: ${description}`);
    this.#connection.close({ condition: 'amqp:connection:framing-error', description });
  }

  #closed(): void {
    if (this.#state.at === 'closed') return;
    if (this.#state.at === 'handshake') clearTimeout(this.#state.deadline);
    this.#dropSessions();
    const client = this.#state.at === 'open' ? this.#state.client : undefined;
    this.#state = { at: 'closed' };
    if (client !== undefined) this.environment.leave(client);
    this.#event('debug', 'closed');
    this.environment.closed(this);
  }

  /** The peer's container id, which rhea passes on unchecked; a peer without one gets a name of its own. */
  #containerId(): string {
    const id: unknown = this.#connection.container_id;
    return typeof id === 'string' && id !== '' ? id : this.#label;
  }

  /** The user that had to show a password. */
  #user(): string | undefined {
    const sasl = connectionInternals(this.#connection).sasl_transport;
    const server = sasl?.selected ?? sasl;
    return server?.mechanism?.callback === undefined ? undefined : server.username;
  }

  #event(level: 'debug' | 'warn', what: string): void {
    this.environment.settings.onEvent({ level, message: `connection ${this.#label}: ${oneLine(what)}` });
  }
}

/** A peer's words without control characters, and not all of them if there are many. */
function oneLine(text: string): string {
  const clean = text.slice(0, longestSaying).replaceAll(/\p{C}/gu, '?');
  return text.length > longestSaying ? `${clean}…` : clean;
}

function connectionOptions(settings: BrokerSettings) {
  return {
    port: settings.port,
    reconnect: false,
    tcp_no_delay: true,
    require_sasl: !settings.allowAnonymous,
    max_frame_size: settings.maxFrameSize,
    channel_max: settings.maxSessions - 1,
    ...(settings.idleTimeout > 0 ? { idle_time_out: settings.idleTimeout } : {}),
    offered_capabilities: ['ANONYMOUS-RELAY'],
    properties: {
      product: brokerProduct,
      version: packageVersion,
      // So that an agent with an access list knows whether the names in it mean something here.
      ...(settings.users.size > 0 ? { 'user-ids': 'checked' } : {}),
    },
    receiver_options: {
      credit_window: 0,
      autoaccept: false,
      max_message_size: settings.maxMessageSize,
    },
  };
}

/** What the broker calls itself in the properties of its open, so that a client can tell it from others. */
export const brokerProduct = 'imagefactory-embedded-broker';
