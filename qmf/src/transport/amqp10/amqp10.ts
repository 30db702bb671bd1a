import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import rhea, { type Connection, type ConnectionOptions } from 'rhea';
import { QmfError } from '../../errors.js';
import { requireLibrary } from '../../libraries.js';
import type { BodyForm } from '../../message/envelope.js';
import { type BrokerAddress, describeBroker, parseBrokerUrl } from '../broker-url.js';
import { type OpenSocket, openSocket } from '../dial/open-socket.js';
import { brokenLogin, refusedLogin, type SecurityOptions, securityOf } from '../security.js';
import type { Login } from '../sasl/choose.js';
import type { SaslExchange } from '../sasl/exchange.js';
import type { Peer, Transport, Wire } from '../transport.js';
import { discard } from '../../rhea/discard.js';
import { on, type RheaError } from '../../rhea/events.js';
import { gatherWrites } from '../../rhea/gathered-writes.js';
import { unusableFrameSize } from '../../rhea/limits.js';
import { logIn } from '../../rhea/sasl-login.js';
import { connectionError, cutAfterLogin, refusedConnection } from './conditions.js';
import {
  type Dialect,
  type DialectName,
  dialectFor,
  dialects,
  knownDialect,
  userIdsAt,
} from './dialects/index.js';
import { Amqp10Wire } from './wire.js';

export interface Amqp10Options extends SecurityOptions {
  /** Forces the form of broadcasts; by default it follows from the broker (wire document §2.4). */
  readonly bodyForm?: BodyForm;
  /** How the broker is spoken to; by default it follows from what the broker says of itself. */
  readonly dialect?: DialectName;
  /** Part of the container id, so that people can tell connections apart at the broker. */
  readonly clientName?: string;
  /** A peer silent for this long is taken for dead; milliseconds, default 30 000, 0 for never. */
  readonly idleTimeout?: number;
}

const IDLE_TIMEOUT = 30_000;

/**
 * AMQP 1.0 over rhea. Accepts what {@link parseBrokerUrl} reads.
 *
 * @throws QmfError `invalid_argument` for an address or options that cannot be meant, `library_unsupported` for a version of rhea that it was
 *   not made for
 */
export function amqp10(broker: string | BrokerAddress, options: Amqp10Options = {}): Transport {
  requireLibrary('rhea');
  const address = typeof broker === 'string' ? parseBrokerUrl(broker) : broker;
  const security = securityOf(address, options);
  return {
    description: describeBroker(address),
    bodyForm: options.bodyForm,
    dial: async signal => {
      const opened = await openSocket(address, security.tls, signal);
      try {
        const login = await security.login(opened);
        const offers = { mechanisms: [] as readonly string[] };
        const choose = (offered: readonly string[]): SaslExchange => {
          offers.mechanisms = offered;
          return security.choose(offered, login, opened);
        };
        const opening = { address, options, opened, login, choose, offers, warn: security.warn };
        return await openConnection(opening, signal);
      } catch (error) {
        opened.socket.destroy();
        throw error;
      }
    },
  };
}

/** How long the reason for an unusable opening may take, in milliseconds. */
const REASON_TIMEOUT = 500;

interface Opening {
  readonly address: BrokerAddress;
  readonly options: Amqp10Options;
  readonly opened: OpenSocket;
  readonly login: Login;
  readonly choose: (offered: readonly string[]) => SaslExchange;
  /** What the broker has offered when it comes to choosing. */
  readonly offers: { readonly mechanisms: readonly string[] };
  readonly warn: (text: string) => void;
}

/** Speaks AMQP over a socket until the broker has opened the connection. */
function openConnection(opening: Opening, signal: AbortSignal): Promise<Wire> {
  const { address, options, opened, login, choose } = opening;
  const where = describeBroker(address);
  return new Promise((resolve, reject) => {
    // A container of its own: errors that rhea raises there must not reach anybody else, nor end the process.
    const container = rhea.create_container({ id: `${options.clientName ?? 'qmf'}-${randomUUID()}` });
    let state: { kind: 'dialling' } | { kind: 'open'; wire: Amqp10Wire } | { kind: 'ended' } = {
      kind: 'dialling',
    };
    const giveUp = (reason: QmfError): void => {
      if (state.kind !== 'dialling') return;
      state = { kind: 'ended' };
      signal.removeEventListener('abort', onAbort);
      discard(connection);
      reject(reason);
    };
    const end = (error: RheaError | undefined): void => {
      if (state.kind === 'dialling') giveUp(dialError(opening, error, first, isLoggedIn));
      else if (state.kind === 'open') {
        const { wire } = state;
        state = { kind: 'ended' };
        wire.fail(connectionError(address, login.user, error));
      }
    };
    const onAbort = (): void => giveUp(new QmfError('aborted', `connecting to ${where} was cancelled`));
    container.on('error', (error: RheaError) => end(error));
    let first: Buffer | undefined;
    let isLoggedIn = false;
    opened.socket.once('data', bytes => {
      first = bytes;
    });
    const connection = container.connect(connectionOptions(address, options, opened.socket));
    gatherWrites(connection);
    logIn(connection, {
      choose,
      succeeded: () => {
        isLoggedIn = true;
      },
      refused: mechanism => giveUp(refusedLogin(where, mechanism, login)),
      failed: error => giveUp(brokenLogin(where, error)),
    });
    const begin = (): void => {
      if (state.kind !== 'dialling') return;
      const unusable = unusableFrameSize(connection);
      if (unusable !== undefined) {
        end({ condition: 'amqp:frame-size-too-small', description: unusable });
        return;
      }
      signal.removeEventListener('abort', onAbort);
      const peer = peerOf(connection);
      const dialect = dialectOf(opening, peer);
      const misnamed = misnamedVhost(address, dialect);
      if (misnamed !== undefined) {
        giveUp(misnamed);
        return;
      }
      const wire = new Amqp10Wire(connection, {
        broker: address,
        peer,
        dialect,
        bodyForm: options.bodyForm ?? dialect.bodyForm,
        userIds: userIdsAt(dialect, options.dialect !== undefined, {
          peer,
          offered: opening.offers.mechanisms,
        }),
        idleTimeout: options.idleTimeout ?? IDLE_TIMEOUT,
        // It has been warned of already.
        security: { ...options, onWarning: () => undefined },
      });
      state = { kind: 'open', wire };
      resolve(wire);
    };
    // A broker that refuses opens too, with nothing usable in it, and says why in a close right behind (OASIS AMQP 1.0, part 2 §2.4.1).
    connection.on('connection_open', () => {
      if (unusableFrameSize(connection) === undefined) setImmediate(begin);
      else setTimeout(begin, REASON_TIMEOUT).unref();
    });
    // rhea's own error leaves out what belongs to the condition.
    on(connection, 'connection_error', context => end(connection.error ?? context.error));
    on(connection, 'connection_close', context => end(connection.error ?? context.error));
    on(connection, 'disconnected', context => end(context.error));
    connection.on('protocol_error', (error: RheaError) => end(error));
    connection.on('error', (error: RheaError) => end(error));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    // It may have ended between two owners, and then tells nobody any more.
    if (opened.socket.destroyed) end(opened.socket.errored ?? undefined);
  });
}

/** A dialect that was forced goes against what the broker says, and may be right: a proxy may have spoken. */
function dialectOf({ address, options, warn }: Opening, peer: Peer): Dialect {
  if (options.dialect === undefined) return dialectFor(peer);
  const known = knownDialect(peer);
  if (known !== undefined && known.name !== options.dialect) {
    const { product, version = '' } = peer;
    const calls = `${product ?? ''} ${version}`.trim();
    warn(
      `${describeBroker(address)} calls itself ${calls} and is spoken to in the dialect '${options.dialect}', as asked; '${known.name}' is its own`,
    );
  }
  return dialects[options.dialect];
}

/** A virtual host that the broker would not go to: better no bus than another one. */
function misnamedVhost(address: BrokerAddress, { vhostPrefix: prefix }: Dialect): QmfError | undefined {
  const { vhost } = address;
  if (prefix === undefined || vhost === undefined || vhost === '/' || vhost.startsWith(prefix))
    return undefined;
  return new QmfError(
    'address_refused',
    `${describeBroker(address)}: over AMQP 1.0 this broker knows the virtual host '${vhost}' as '${prefix}${vhost}'; end the address in /${prefix}${vhost}`,
  );
}

function dialError(
  { address, opened, login }: Opening,
  error: RheaError | undefined,
  first: Buffer | undefined,
  isLoggedIn: boolean,
): QmfError {
  if (isLoggedIn && error?.condition === undefined) return cutAfterLogin(address, login.user, error);
  return (
    opened.explain(error, first) ??
    refusedConnection(address, login.user, error, first === undefined ? opened.hint : '')
  );
}

function connectionOptions(
  address: BrokerAddress,
  options: Amqp10Options,
  socket: Socket,
): ConnectionOptions {
  return {
    host: address.host,
    port: address.port,
    hostname: address.vhost ?? address.host,
    connection_details: () => ({
      host: address.host,
      port: address.port,
      connect: (_port: number, _host: string, _options: object, connected: () => void) => {
        process.nextTick(connected);
        return socket;
      },
    }),
    // Has rhea open a SASL layer in any case: brokers that authenticate insist on one. Who we are is told by logIn.
    username: 'anonymous',
    // Reconnecting is ours: rhea drops unsettled deliveries without a word when it reconnects.
    reconnect: false as const,
    // Half of what we wait: a peer that sends as often as asked is never late (part 2 §2.4.5).
    idle_time_out: Math.ceil((options.idleTimeout ?? IDLE_TIMEOUT) / 2),
    properties: { product: 'imagefactory-qmf', 'qpid.client_process': process.title },
  };
}

function peerOf(connection: Connection): Peer {
  const properties = connection.properties as Readonly<Record<string, unknown>> | undefined;
  const product = properties?.product;
  const version = properties?.version;
  const userIds = properties?.['user-ids'];
  return {
    ...(typeof product === 'string' ? { product } : {}),
    ...(typeof version === 'string' ? { version } : {}),
    ...(userIds === 'checked' ? { checksUserIds: true } : {}),
  };
}
