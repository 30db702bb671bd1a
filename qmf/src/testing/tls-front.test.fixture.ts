import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, type Server as PlainServer, type Socket } from 'node:net';
import { createServer, type TlsOptions } from 'node:tls';
import { fileURLToPath } from 'node:url';

const folder = new URL('../../test/certificates/', import.meta.url);

/** Path of a test certificate or key; what there is stands in test/certificates/README.md. */
export function certificate(name: string): string {
  return fileURLToPath(new URL(name, folder));
}

export function certificateBytes(name: string): Buffer {
  return readFileSync(certificate(name));
}

export interface Front {
  readonly port: number;
  stop(): Promise<void>;
}

export function listen(server: PlainServer): Promise<Front> {
  return listening(server.listen(0, '127.0.0.1'));
}

/** A server that was told to listen, once it does. */
export async function listening(server: PlainServer): Promise<Front> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  });
  if (!server.listening) await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port, // TCP has no other kind of address
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise(resolve => server.close(resolve));
    },
  };
}

/** A port with TLS before a broker that has none: what comes is handed on in the clear, and back. */
export function startTlsFront(brokerPort: number, options: TlsOptions = {}): Promise<Front> {
  const server = createServer(
    { key: certificateBytes('server.key'), cert: certificateBytes('server.pem'), ...options },
    secure => {
      const inner = connect(brokerPort, '127.0.0.1');
      const end = (): void => {
        secure.destroy();
        inner.destroy();
      };
      for (const socket of [secure, inner]) socket.on('error', end).on('close', end);
      secure.pipe(inner).pipe(secure);
    },
  );
  server.on('tlsClientError', () => undefined);
  return listen(server);
}
