import type { ChannelModel } from 'amqplib';
import { QmfError } from '../../errors.js';
import { requireLibrary } from '../../libraries.js';
import { type BrokerAddress, describeBroker, parseBrokerUrl } from '../broker-url.js';
import { type OpenSocket, openSocket } from '../dial/open-socket.js';
import { peerWords } from '../dial/peer-words.js';
import { brokenLogin, refusedLogin, type Security, type SecurityOptions, securityOf } from '../security.js';
import type { Login } from '../sasl/choose.js';
import type { Peer, Transport, Wire } from '../transport.js';
import { keepChannelsApart } from './channel-numbers.js';
import { bindingError, dialError, isRefusedLogin, lostError, vhostError } from './errors.js';
import { gatherWrites } from './gathered-writes.js';
import { mannersOf } from './manners.js';
import { openConnection, type OpeningFailure } from './opening.js';
import { leaveHeadersUndecoded } from './undecoded-headers.js';
import { Amqp091Wire } from './wire.js';

export interface Amqp091Options extends SecurityOptions {
  /** Tells connections apart at the broker, in the lists of its management. */
  readonly clientName?: string;
  /** A peer silent for this long is taken for dead; milliseconds, default 30 000, at least 2 000, 0 for never. */
  readonly idleTimeout?: number;
  /**
   * Messages that may wait in this party's queue at the broker; the oldest go first. Default 50 000. Only for brokers known to
   * have such a bound: RabbitMQ and Qpid.
   */
  readonly queueLimit?: number;
}

/** RabbitMQ lets this one in from the same machine. */
const GUEST = 'guest';
const IDLE_TIMEOUT = 30_000;
const DEFAULT_VHOST = '/';

/**
 * AMQP 0-9-1 over amqplib. Accepts what {@link parseBrokerUrl} reads, whichever version its scheme names.
 *
 * @throws QmfError `invalid_argument` for an address or options that cannot be meant, `library_unsupported` for a version of amqplib that it was
 *   not made for
 */
export function amqp091(broker: string | BrokerAddress, options: Amqp091Options = {}): Transport {
  requireLibrary('amqplib');
  const address = typeof broker === 'string' ? parseBrokerUrl(broker) : broker;
  const security = securityOf(address, options);
  return {
    description: describeBroker(address),
    // Nothing but bytes can be sent.
    bodyForm: 'data',
    dial: async signal => {
      const opened = await openSocket(address, security.tls, signal);
      return openWire({ address, options, security, opened }, signal);
    },
  };
}

interface Opening {
  readonly address: BrokerAddress;
  readonly options: Amqp091Options;
  readonly security: Security;
  readonly opened: OpenSocket;
}

async function openWire(opening: Opening, signal: AbortSignal): Promise<Wire> {
  const { address, opened } = opening;
  const where = describeBroker(address);
  // With an error, or else amqplib would not notice and keep its timers going.
  const hangUp = (): void => void opened.socket.destroy(new Error('the connection was given up'));
  signal.addEventListener('abort', hangUp, { once: true });
  try {
    const wire = await logIn(opening, where, hangUp);
    await wire.start();
    return wire;
  } catch (error) {
    hangUp();
    if (hasFired(signal)) throw new QmfError('aborted', `connecting to ${where} was cancelled`);
    throw error instanceof QmfError && error.code !== 'connection_lost' ? error : dialError(where, error, '');
  } finally {
    signal.removeEventListener('abort', hangUp);
  }
}

/** Asked anew: the compiler takes it for unchanged since the last look. */
function hasFired(signal: AbortSignal): boolean {
  return signal.aborted;
}

async function logIn(opening: Opening, where: string, hangUp: () => void): Promise<Amqp091Wire> {
  const { address, options, security, opened } = opening;
  const login = orGuest(await security.login(opened));
  const setup = {
    vhost: address.vhost ?? DEFAULT_VHOST,
    clientName: options.clientName ?? 'qmf',
    heartbeat: heartbeat(options.idleTimeout ?? IDLE_TIMEOUT),
    choose: (offered: readonly string[]) => security.choose(offered, login, opened),
  };
  // It may have ended between two owners, and then tells nobody any more.
  if (opened.socket.destroyed) throw opened.socket.errored ?? new Error('the peer hung up');
  const outcome = await openConnection(opened.socket, setup, model => wireOf(model, where, options, hangUp));
  if (outcome.kind === 'open') return outcome.result;
  throw openingError(opening, where, login, outcome);
}

/** Nobody in particular: where there are passwords, that one is called `guest`. */
function orGuest(login: Login): Login {
  return login.user === undefined && login.sasl === undefined
    ? { ...login, user: GUEST, password: GUEST, isGuest: true }
    : login;
}

function openingError(
  { address, opened }: Opening,
  where: string,
  login: Login,
  { stage, mechanism = 'none', refusal, broken, error, received }: OpeningFailure,
): QmfError {
  if (broken !== undefined) return brokenLogin(where, broken);
  if (refusal !== undefined && stage === 'vhost')
    return vhostError(where, address.vhost ?? DEFAULT_VHOST, login.user, refusal);
  if (refusal !== undefined && isRefusedLogin(refusal))
    return refusedLogin(where, mechanism, login, peerWords(refusal.text));
  return opened.explain(error, received) ?? dialError(where, error, stage === 'greeting' ? opened.hint : '');
}

function wireOf(
  model: ChannelModel,
  where: string,
  options: Amqp091Options,
  hangUp: () => void,
): Amqp091Wire {
  const peer = peerOf(model);
  const wire = new Amqp091Wire(model, {
    peer,
    where,
    manners: mannersOf(peer),
    queueLimit: options.queueLimit ?? 50_000,
    idleTimeout: options.idleTimeout ?? IDLE_TIMEOUT,
    hangUp,
  });
  model.on('error', error => wire.fail(lostError(where, error), bindingError(where, error)));
  model.on('close', error => wire.fail(lostError(where, error)));
  leaveHeadersUndecoded(model);
  gatherWrites(model);
  keepChannelsApart(model);
  return wire;
}

/** In seconds: half of what we wait, so that a peer that sends as often as asked is never late. */
function heartbeat(idleTimeout: number): number {
  return idleTimeout <= 0 ? 0 : Math.max(1, Math.floor(idleTimeout / 2_000));
}

function peerOf(model: ChannelModel): Peer {
  // The typings promise text; a broker may send anything or nothing.
  const properties: Readonly<Record<string, unknown>> = model.connection.serverProperties;
  const { product, version } = properties;
  return {
    ...(typeof product === 'string' ? { product } : {}),
    ...(typeof version === 'string' ? { version } : {}),
  };
}
