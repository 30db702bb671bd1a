import { randomUUID } from 'node:crypto';
import { isIP } from 'node:net';
import rhea, { type Connection, type ConnectionOptions } from 'rhea';
import { QmfError } from '../../errors.js';
import type { BodyForm } from '../../message/envelope.js';
import { type BrokerAddress, describeBroker, parseBrokerUrl } from '../broker-url.js';
import type { Peer, Transport, Wire } from '../transport.js';
import { discard } from '../../rhea/discard.js';
import { on, type RheaError } from '../../rhea/events.js';
import { gatherWrites } from '../../rhea/gathered-writes.js';
import { connectionError } from './conditions.js';
import { type DialectName, dialectFor, dialects } from './dialects/index.js';
import { Amqp10Wire } from './wire.js';

export interface Amqp10Options {
  /** Forces the form of broadcasts; by default it follows from the broker (wire document §2.4). */
  readonly bodyForm?: BodyForm;
  /** How the broker is spoken to; by default it follows from what the broker says of itself. */
  readonly dialect?: DialectName;
  /** Part of the container id, so that people can tell connections apart at the broker. */
  readonly clientName?: string;
  /** A peer silent for this long is taken for dead; milliseconds, default 30 000. */
  readonly idleTimeout?: number;
  /** Told of messages that could not be decoded; they are dropped. */
  readonly onMalformed?: (error: QmfError) => void;
}

/** AMQP 1.0 over rhea. Accepts what {@link parseBrokerUrl} reads. */
export function amqp10(broker: string | BrokerAddress, options: Amqp10Options = {}): Transport {
  const address = typeof broker === 'string' ? parseBrokerUrl(broker) : broker;
  return {
    description: describeBroker(address),
    bodyForm: options.bodyForm,
    dial: signal => dial(address, options, signal),
  };
}

function dial(address: BrokerAddress, options: Amqp10Options, signal: AbortSignal): Promise<Wire> {
  const where = describeBroker(address);
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(new QmfError('aborted', `connecting to ${where} was cancelled`));
      return;
    }
    // A container of its own: errors that rhea raises there must not reach anybody else, nor end the process.
    const container = rhea.create_container({ id: `${options.clientName ?? 'qmf'}-${randomUUID()}` });
    let state: { kind: 'dialling' } | { kind: 'open'; wire: Amqp10Wire } | { kind: 'ended' } = {
      kind: 'dialling',
    };
    const end = (error: RheaError | undefined): void => {
      const before = state;
      state = { kind: 'ended' };
      if (before.kind === 'dialling') {
        signal.removeEventListener('abort', onAbort);
        discard(connection);
        reject(connectionError(where, error, false));
      } else if (before.kind === 'open') {
        before.wire.fail(connectionError(where, error, true));
      }
    };
    const onAbort = (): void => {
      if (state.kind !== 'dialling') return;
      state = { kind: 'ended' };
      discard(connection);
      reject(new QmfError('aborted', `connecting to ${where} was cancelled`));
    };
    container.on('error', (error: RheaError) => end(error));
    const connection = container.connect(connectionOptions(address, options));
    gatherWrites(connection);
    connection.on('connection_open', () => {
      if (state.kind !== 'dialling') return;
      signal.removeEventListener('abort', onAbort);
      const peer = peerOf(connection);
      const dialect = options.dialect === undefined ? dialectFor(peer) : dialects[options.dialect];
      const wire = new Amqp10Wire(connection, {
        broker: address,
        peer,
        dialect,
        bodyForm: options.bodyForm ?? dialect.bodyForm,
        malformed: error => options.onMalformed?.(error),
      });
      state = { kind: 'open', wire };
      resolve(wire);
    });
    on(connection, 'connection_error', context => end(context.error));
    on(connection, 'connection_close', context => end(context.error));
    on(connection, 'disconnected', context => end(context.error));
    connection.on('protocol_error', (error: RheaError) => end(error));
    connection.on('error', (error: RheaError) => end(error));
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

function connectionOptions(address: BrokerAddress, options: Amqp10Options): ConnectionOptions {
  const base = {
    host: address.host,
    port: address.port,
    hostname: address.vhost ?? address.host,
    // SASL ANONYMOUS rather than no SASL: brokers that authenticate insist on a SASL layer.
    username: address.user ?? 'anonymous',
    ...(address.password === undefined ? {} : { password: address.password }),
    // Reconnecting is ours: rhea drops unsettled deliveries without a word when it reconnects.
    reconnect: false as const,
    // Off by default in rhea; without it request and reply stall for 40 ms.
    tcp_no_delay: true,
    idle_time_out: options.idleTimeout ?? 30_000,
    properties: { product: 'imagefactory-qmf', 'qpid.client_process': process.title },
  };
  return address.scheme === 'amqps'
    ? // A server name is a name; TLS has none for addresses.
      { ...base, transport: 'tls', ...(isIP(address.host) === 0 ? { servername: address.host } : {}) }
    : { ...base, transport: 'tcp' };
}

function peerOf(connection: Connection): Peer {
  const properties = connection.properties as Readonly<Record<string, unknown>> | undefined;
  const product = properties?.product;
  const version = properties?.version;
  return {
    ...(typeof product === 'string' ? { product } : {}),
    ...(typeof version === 'string' ? { version } : {}),
  };
}
