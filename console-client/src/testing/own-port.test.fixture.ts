import { createServer } from 'node:net';

/** Below the ports that Linux gives to other sockets (`ip_local_port_range`, 32768 and up), and others than those of other packages' tests. */
const first = 15_000;
const end = 20_000;
/** Ports of one process. */
const size = 100;

const block = await ownBlock();
let given = 0;

/**
 * A port for something that goes and comes back. No test of this process has it, none of another, and no client that dials it in vain is given
 * it for its own end.
 */
export function ownPort(): number {
  return block + 1 + (given++ % (size - 1));
}

/** Takes a block of ports for this process: whoever listens on its first one has it, and the system ends that with the process. */
async function ownBlock(): Promise<number> {
  const blocks = Math.floor((end - first) / size);
  for (let index = 0; index < blocks; index++) {
    // Those that start together do not all try the same ones.
    const port = first + ((process.pid + index) % blocks) * size;
    if (await takes(port)) return port;
  }
  throw new Error(`${blocks} processes have all ports from ${first} to ${end}; end some of them`);
}

function takes(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer();
    server.unref();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => resolve(true));
  });
}
