import { connect, createServer, type Socket } from 'node:net';
import { serve } from '../process/serve.js';
import { clock, type RelayRole } from './contract.js';

/** Between the fleet and the broker, to take the broker away from it for a moment. */
class Relay implements RelayRole {
  readonly #sockets = new Set<Socket>();

  readonly start = ({ broker }: { readonly broker: string }): Promise<string> => {
    const url = new URL(broker.replace(/^amqp(091)?:/, 'http:'));
    const port = url.port === '' ? 5672 : Number(url.port);
    const server = createServer({ noDelay: true }, client => {
      const upstream = connect({ host: url.hostname, port, noDelay: true });
      this.#join(client, upstream);
      this.#join(upstream, client);
    });
    return new Promise((resolve, reject) => {
      server.on('error', reject);
      server.listen(0, '127.0.0.1', () => {
        const own = server.address();
        if (own === null || typeof own === 'string') throw new Error('the relay has no port');
        const user = url.username === '' ? '' : `${url.username}:${url.password}@`;
        resolve(`${broker.split(':', 1)[0] ?? 'amqp'}://${user}127.0.0.1:${own.port}${url.pathname}`);
      });
    });
  };

  readonly cut = (): Promise<number> => {
    const time = clock();
    for (const socket of this.#sockets) socket.resetAndDestroy();
    return Promise.resolve(time);
  };

  #join(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.pipe(to);
    from.on('error', () => undefined); // 'close' follows
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }
}

serve(new Relay());
