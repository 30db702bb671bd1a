import type { Socket } from 'node:net';
import type { Connection, Container, EventContext, Session } from 'rhea';
import { type AttachedLink, type FaultSwitches, faultText, type SaidError } from './faults/index.js';
import { FrameError } from './frame-error.js';
import type { NodeRegistry } from './node-registry.js';
import type { BrokerSettings } from './options.js';
import { PeerSocket } from './peer-socket.js';
import { connectionInternals } from './rhea-internals.js';
import { BrokerSession } from './session.js';

const frameSizeUnsaid = 0xffff_ffff;
/** As qpidd calls them. */
const ANONYMOUS = 'anonymous';

export interface ConnectionEnvironment {
  readonly container: Container;
  readonly settings: BrokerSettings;
  readonly nodes: NodeRegistry;
  readonly faults: FaultSwitches;
  /** A fault switch wants the connection closed as soon as it is open. */
  readonly closeAtOnce?: { readonly error: SaidError | undefined } | undefined;
  closed(connection: BrokerConnection): void;
}

type State =
  | { readonly at: 'handshake'; readonly deadline: NodeJS.Timeout }
  | { readonly at: 'open' }
  | { readonly at: 'closed' };

/** One peer of the broker, from the accepted socket to its close. */
export class BrokerConnection {
  readonly #connection: Connection;
  readonly #socket: PeerSocket;
  readonly #sessions = new Map<Session, BrokerSession>();
  readonly #label: string;
  #state: State;

  constructor(
    socket: Socket,
    private readonly environment: ConnectionEnvironment,
  ) {
    const { container, settings } = environment;
    this.#label = `${String(socket.remoteAddress)}:${String(socket.remotePort)}`;
    this.#socket = new PeerSocket(socket, settings.maxFrameSize, {
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
    for (const session of this.#sessions.values()) session.replenish();
  }

  endSessions(error: SaidError | undefined): number {
    const sessions = [...this.#sessions.values()];
    for (const session of sessions) session.end(error);
    return sessions.length;
  }

  detach(matches: (link: AttachedLink) => boolean, error: SaidError | undefined): number {
    return [...this.#sessions.values()].reduce((sum, session) => sum + session.detach(matches, error), 0);
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
    this.#state = { at: 'open' };
    this.#event('debug', `opened by ${this.#containerId()}`);
    if (this.environment.closeAtOnce !== undefined) this.close(this.environment.closeAtOnce.error);
  }

  #late(): void {
    this.#event('warn', 'no open within the time allowed');
    this.destroy();
  }

  #openSession(session: Session): void {
    const { settings, nodes, faults } = this.environment;
    const { maxSessions, maxMessageSize, maxLinks } = settings;
    if (this.#sessions.size >= maxSessions) throw new FrameError(`more than ${maxSessions} sessions`);
    const containerId = this.#containerId();
    this.#sessions.set(
      session,
      new BrokerSession(session, {
        nodes,
        containerId,
        socket: this.#socket,
        limits: { maxMessageSize, maxLinks },
        maxFrameSize: () =>
          Math.max(512, Math.min(this.#connection.max_frame_size ?? frameSizeUnsaid, settings.maxFrameSize)),
        faults,
        publishing: { nodes, now: settings.now, user: this.#user(), faults },
        closeConnection: error => this.close(error),
      }),
    );
  }

  #closeSession(session: Session): void {
    this.#sessions.get(session)?.close();
    this.#sessions.delete(session);
  }

  #dropSessions(): void {
    for (const session of [...this.#sessions.keys()]) this.#closeSession(session);
  }

  #pump(): void {
    for (const session of this.#sessions.values()) session.pump();
  }

  #broken(error: unknown): void {
    const description = error instanceof Error ? error.message : String(error);
    this.#event('warn', `cut off: ${description}`);
    this.#connection.close({ condition: 'amqp:connection:framing-error', description });
  }

  #closed(): void {
    if (this.#state.at === 'closed') return;
    if (this.#state.at === 'handshake') clearTimeout(this.#state.deadline);
    this.#state = { at: 'closed' };
    this.#dropSessions();
    this.#event('debug', 'closed');
    this.environment.closed(this);
  }

  /** The peer's container id, which rhea passes on unchecked; a peer without one gets a name of its own. */
  #containerId(): string {
    const id: unknown = this.#connection.container_id;
    return typeof id === 'string' && id !== '' ? id : this.#label;
  }

  /** The name that messages of this peer may carry: where there are users, one that has shown no password is `anonymous`. */
  #user(): string | undefined {
    if (this.environment.settings.users.size === 0) return undefined;
    const sasl = connectionInternals(this.#connection).sasl_transport;
    const server = sasl?.selected ?? sasl;
    return server?.mechanism?.callback === undefined ? ANONYMOUS : server.username;
  }

  #event(level: 'debug' | 'warn', what: string): void {
    this.environment.settings.onEvent({ level, message: `connection ${this.#label}: ${what}` });
  }
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
      version: brokerVersion,
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
export const brokerVersion = '0.1.0';
