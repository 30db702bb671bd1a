import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { parseBrokerUrl } from '../transport/broker-url.js';

/** Which way bytes go. */
export type Direction = 'to broker' | 'from broker';

/** What happens when so many bytes have got through. */
export type Ending =
  /** Both ends are reset. */
  | 'reset'
  /** Both ends are told in an orderly way that nothing more comes. */
  | 'end'
  /** Nothing more gets through in that direction, and nothing is closed. */
  | 'silence';

/** A way to a broker that can be cut. */
export interface CuttableProxy {
  /** The broker's URL, by way of the proxy. */
  readonly url: string;
  /** Resets all connections. */
  cut(): void;
  /** Passes nothing on any more, and closes nothing. */
  stall(): void;
  /** Lets so many more bytes through in one direction, on all connections together, also those to come. */
  limit(direction: Direction, bytes: number, ending: Ending): void;
  /** Connections that are open at either end. */
  readonly open: number;
  stop(): Promise<void>;
}

export async function startProxy(brokerUrl: string): Promise<CuttableProxy> {
  const { host, port } = parseBrokerUrl(brokerUrl);
  const sockets = new Set<Socket>();
  const limits = new Map<Direction, { left: number; ending: Ending }>();
  const pass = (from: Socket, to: Socket, direction: Direction): void => {
    from.on('data', chunk => {
      const limit = limits.get(direction);
      if (limit === undefined) {
        if (!to.write(chunk)) from.pause();
        return;
      }
      const rest = chunk.subarray(0, limit.left);
      limit.left -= rest.length;
      if (rest.length > 0) to.write(rest);
      if (limit.left > 0 || limit.ending === 'silence') return;
      if (limit.ending === 'end') {
        from.end();
        to.end();
        return;
      }
      // Once the last bytes are out, or the reset would overtake them.
      setImmediate(() => {
        from.resetAndDestroy();
        to.resetAndDestroy();
      });
    });
    to.on('drain', () => from.resume());
    from.on('end', () => to.end());
  };
  const server = createServer(near => {
    const far = connect({ host, port, noDelay: true });
    near.setNoDelay(true);
    pass(near, far, 'to broker');
    pass(far, near, 'from broker');
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
      for (const socket of sockets) socket.removeAllListeners('data').pause();
    },
    limit: (direction, bytes, ending) => limits.set(direction, { left: bytes, ending }),
    get open() {
      return sockets.size;
    },
    stop: async () => {
      cut();
      await new Promise(resolve => server.close(resolve));
    },
  };
}
