import { createServer } from 'node:net';

let given = 0;

/**
 * A port for a broker that goes and comes back. It is below those that Linux gives to other sockets (`ip_local_port_range`, 32768 and up), so
 * no test beside this one gets it meanwhile, and no client that dials it in vain is given it for its own end.
 */
export function ownPort(): number {
  return 20_000 + ((process.pid * 7 + given++) % 12_000);
}

/** One of these ports on which nobody listens at this moment. */
export async function freeOwnPort(): Promise<number> {
  for (;;) {
    const port = ownPort();
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
