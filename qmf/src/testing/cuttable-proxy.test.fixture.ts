import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { parseBrokerUrl } from '../transport/broker-url.js';

/** A way to a broker that can be cut. */
export interface CuttableProxy {
  /** The broker's URL, by way of the proxy. */
  readonly url: string;
  /** Resets all connections. */
  cut(): void;
  /** Passes nothing on any more, and closes nothing. */
  stall(): void;
  stop(): Promise<void>;
}

export async function startProxy(brokerUrl: string): Promise<CuttableProxy> {
  const { host, port } = parseBrokerUrl(brokerUrl);
  const sockets = new Set<Socket>();
  const server = createServer(near => {
    const far = connect({ host, port, noDelay: true });
    near.setNoDelay(true);
    near.pipe(far);
    far.pipe(near);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port: ownPort } = server.address() as AddressInfo; // a TCP server has no other kind of address
  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    url: brokerUrl.replace(/[^/@]*:\d+(?=\/|$)/, `127.0.0.1:${ownPort}`),
    cut,
    stall: () => {
      for (const socket of sockets) socket.unpipe().pause();
    },
    stop: async () => {
      cut();
      await new Promise(resolve => server.close(resolve));
    },
  };
}
