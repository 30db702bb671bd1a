import { connect as connectPlain, isIP, type Socket } from 'node:net';
import {
  checkServerIdentity,
  connect as connectSecure,
  type PeerCertificate,
  type TLSSocket,
} from 'node:tls';
import { QmfError } from '../../errors.js';
import { type BrokerAddress, describeBroker, isSecure } from '../broker-url.js';
import { codeWord, textOf } from './failure-text.js';
import { isTlsAlert, plainToTls, silentEnd, type TlsContext, tlsFailure } from './tls-failure.js';
import { loadTls, type TlsOptions } from './tls-options.js';

/** A socket to a broker, ready to be spoken over, and what its failures mean while the protocol is being opened. */
export interface OpenSocket {
  readonly socket: Socket;
  readonly isSecure: boolean;
  readonly hasClientCertificate: boolean;
  /**
   * What broke the connection as an error about TLS, if that is what it is about.
   *
   * @param first the first bytes that came, where they made no sense
   */
  explain(error: unknown, first?: Uint8Array): QmfError | undefined;
  /** A hint at TLS for a connection that ended without a word; empty where there is none to give. */
  readonly hint: string;
}

/**
 * Connects, with TLS where the address says so: then the broker is known to be the one of the certificate.
 *
 * @throws QmfError `unreachable`, `tls_failed`, `aborted`, or `invalid_argument` for TLS files that cannot be used
 */
export async function openSocket(
  address: BrokerAddress,
  tls: TlsOptions | undefined,
  signal: AbortSignal,
): Promise<OpenSocket> {
  return isSecure(address) ? openTls(address, tls ?? {}, signal) : openTcp(address, signal);
}

/** @throws QmfError `invalid_argument` for TLS options where there is no TLS: whoever gave them believes to be safe */
export function checkTlsScheme(address: BrokerAddress, tls: TlsOptions | undefined): void {
  if (tls === undefined || Object.keys(tls).length === 0 || isSecure(address)) return;
  throw new QmfError(
    'invalid_argument',
    `options for TLS were given, but ${describeBroker(address)} is without; write ${secureScheme(address)}://`,
  );
}

async function openTcp(address: BrokerAddress, signal: AbortSignal): Promise<OpenSocket> {
  const where = describeBroker(address);
  const socket = connectPlain({ host: address.host, port: address.port });
  await connected(socket, 'connect', where, signal, () => undefined);
  return {
    socket,
    isSecure: false,
    hasClientCertificate: false,
    explain: (_error, first) => {
      if (first !== undefined && isTlsAlert(first)) return plainToTls(where, secureScheme(address));
      return isHttp(first) ? httpThere(where) : undefined;
    },
    hint: `is it a port for TLS? ${secureScheme(address)}:// is for that`,
  };
}

async function openTls(address: BrokerAddress, tls: TlsOptions, signal: AbortSignal): Promise<OpenSocket> {
  const material = await loadTls(tls);
  const { host, port } = address;
  const where = describeBroker(address);
  const name = tls.servername ?? host;
  const hasClientCertificate = material.cert !== undefined;
  let peer: PeerCertificate | undefined;
  const context = (): TlsContext => ({
    where,
    name,
    hasClientCertificate,
    peer: peer ?? certificateOf(socket),
  });
  const socket = connectSecure({
    ...material,
    host,
    port,
    // A server name is a name; TLS has none for addresses.
    servername: isIP(name) === 0 ? name : '',
    checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
  });
  // Not in the documentation of TLS sockets, and needed for better words only: by the time of the error the certificate is gone.
  socket.prependListener('secure', () => {
    peer = certificateOf(socket);
  });
  await connected(socket, 'secureConnect', where, signal, error => {
    const failure = tlsFailure(error, context());
    if (failure !== undefined || !isSilentEnd(error)) return failure;
    return new QmfError(
      'unreachable',
      `${where} hung up while TLS was being set up (${silentEnd(context(), 'handshake')})`,
      { cause: error },
    );
  });
  return {
    socket,
    isSecure: true,
    hasClientCertificate,
    explain: (error, first) => tlsFailure(error, context()) ?? (isHttp(first) ? httpThere(where) : undefined),
    hint: silentEnd(context(), 'after'),
  };
}

function connected(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  where: string,
  signal: AbortSignal,
  explain: (error: Error) => QmfError | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: QmfError): void => {
      signal.removeEventListener('abort', onAbort);
      socket.off('error', onError);
      if (error === undefined) {
        // Off by default; without it request and reply stall for 40 ms.
        socket.setNoDelay(true);
        resolve();
      } else {
        socket.destroy();
        reject(error);
      }
    };
    const onAbort = (): void => done(new QmfError('aborted', `connecting to ${where} was cancelled`));
    const onError = (error: Error): void =>
      done(
        explain(error) ??
          new QmfError('unreachable', `${where} cannot be reached: ${textOf(error)}`, { cause: error }),
      );
    // For good: an error between two owners must not end the process; each looks at the socket when it takes over.
    socket.on('error', () => undefined);
    socket.on('error', onError).once(event, () => done());
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}

function isSilentEnd(error: Error): boolean {
  return ['ECONNRESET', 'EPIPE'].includes(codeWord(error));
}

/** Brokers have web pages and REST beside the bus, and their ports are easily mixed up. */
function isHttp(first: Uint8Array | undefined): boolean {
  return first !== undefined && Buffer.from(first.subarray(0, 5)).toString('latin1') === 'HTTP/';
}

function httpThere(where: string): QmfError {
  return new QmfError(
    'unreachable',
    `${where} cannot be reached: what answers there speaks HTTP; is it the port of the broker's management?`,
  );
}

function certificateOf(socket: TLSSocket): PeerCertificate | undefined {
  // An empty object stands for none, and a socket that is closed already gives nothing at all.
  const certificate = socket.getPeerCertificate() as PeerCertificate | null | undefined;
  return Object.keys(certificate ?? {}).length === 0 ? undefined : (certificate ?? undefined);
}

function secureScheme(address: BrokerAddress): string {
  return address.scheme === 'amqp091' || address.scheme === 'amqp091s' ? 'amqp091s' : 'amqps';
}
