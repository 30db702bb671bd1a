import { connect, type ChannelModel, credentials } from 'amqplib';
import { QmfError } from '../../errors.js';
import { type BrokerAddress, describeBroker, parseBrokerUrl } from '../broker-url.js';
import type { Peer, Transport, Wire } from '../transport.js';
import { bindingError, dialError, lacksMechanism, lostError } from './errors.js';
import { gatherWrites } from './gathered-writes.js';
import { mannersOf } from './manners.js';
import { leaveHeadersUndecoded } from './undecoded-headers.js';
import { Amqp091Wire } from './wire.js';

export interface Amqp091Options {
  /** Tells connections apart at the broker, in the lists of its management. */
  readonly clientName?: string;
  /** A peer silent for this long is taken for dead; milliseconds, default 30 000, at least 2 000. */
  readonly idleTimeout?: number;
  /**
   * Messages that may wait in this party's queue at the broker; the oldest go first. Default 50 000. Only for brokers known to
   * have such a bound: RabbitMQ and Qpid.
   */
  readonly queueLimit?: number;
  /** Told of messages that could not be decoded; they are dropped. */
  readonly onMalformed?: (error: QmfError) => void;
}

/** Who one is at a broker that was given no user; RabbitMQ lets this one in from the same machine. */
const GUEST = 'guest';
const DEFAULT_VHOST = '/';

/** AMQP 0-9-1 over amqplib. Accepts what {@link parseBrokerUrl} reads, whichever version its scheme names. */
export function amqp091(broker: string | BrokerAddress, options: Amqp091Options = {}): Transport {
  const address = typeof broker === 'string' ? parseBrokerUrl(broker) : broker;
  return {
    description: describeBroker(address),
    // Nothing but bytes can be sent.
    bodyForm: 'data',
    dial: signal => dial(address, options, signal),
  };
}

async function dial(address: BrokerAddress, options: Amqp091Options, signal: AbortSignal): Promise<Wire> {
  const where = describeBroker(address);
  const cancelled = (): QmfError => new QmfError('aborted', `connecting to ${where} was cancelled`);
  if (signal.aborted) throw cancelled();
  // Also ends the socket of an open connection: amqplib itself never destroys one.
  const socket = new AbortController();
  const onAbort = (): void => socket.abort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const wire = wireOf(await open(address, options, socket.signal), where, options, () => socket.abort());
    await wire.start();
    return wire;
  } catch (error) {
    socket.abort();
    throw hasFired(signal) ? cancelled() : dialError(where, address.vhost ?? DEFAULT_VHOST, error);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Asked anew: the compiler takes it for unchanged since the last look. */
function hasFired(signal: AbortSignal): boolean {
  return signal.aborted;
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
    manners: mannersOf(peer),
    queueLimit: options.queueLimit ?? 50_000,
    hangUp,
    malformed: error => options.onMalformed?.(error),
  });
  model.on('error', error => wire.fail(lostError(where, error), bindingError(where, error)));
  model.on('close', error => wire.fail(lostError(where, error)));
  leaveHeadersUndecoded(model);
  gatherWrites(model);
  return wire;
}

/** Opens a connection; without a user in the address, ANONYMOUS where the broker has no passwords. */
async function open(
  address: BrokerAddress,
  options: Amqp091Options,
  signal: AbortSignal,
): Promise<ChannelModel> {
  const { user, password } = address;
  const named = credentials.plain(user ?? GUEST, password ?? (user === undefined ? GUEST : ''));
  try {
    return await connectWith(address, options, signal, named);
  } catch (error) {
    if (user !== undefined || !lacksMechanism(error)) throw error;
    const anonymous = { mechanism: 'ANONYMOUS', response: () => Buffer.from('anonymous') };
    return connectWith(address, options, signal, anonymous);
  }
}

function connectWith(
  address: BrokerAddress,
  options: Amqp091Options,
  signal: AbortSignal,
  login: { readonly mechanism: string; response(): Buffer },
): Promise<ChannelModel> {
  const secure = address.scheme === 'amqps' || address.scheme === 'amqp091s';
  const connection = {
    protocol: secure ? 'amqps' : 'amqp',
    hostname: address.host,
    port: address.port,
    // amqplib takes it for a piece of a URL, also from an object.
    vhost: encodeURIComponent(address.vhost ?? DEFAULT_VHOST),
    heartbeat: heartbeat(options.idleTimeout ?? 30_000),
  };
  const socket = {
    credentials: login,
    // Off by default in amqplib; without it request and reply stall for 40 ms.
    noDelay: true,
    // An option of every socket of Node.js, to which amqplib hands all of these on.
    signal,
    clientProperties: {
      product: 'imagefactory-qmf',
      connection_name: options.clientName ?? 'qmf',
    },
  };
  return connect(connection, socket);
}

/** In seconds: amqplib gives a peer up that misses two in a row. */
function heartbeat(idleTimeout: number): number {
  return Math.max(1, Math.round(idleTimeout / 2_000));
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
