import { type FileHandle, open } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { hostOf, type UrlRule } from '../urls/url-rule.js';
import { type Proxies, readProxy } from './machine-proxies.js';

/** Where a guest finds the relay. */
const port = 3128;

/** A bound on what a guest can make the agent hold. */
const mostConnections = 64;

/** Name of the relay's socket in the directory of a container. */
export const relaySocket = 'proxy';

/** Where guests go. */
export interface RelayReach {
  readonly rule: UrlRule;
  /** URLs of servers that the operator has configured. */
  readonly servers: readonly string[];
  readonly proxies: Proxies;
}

/** The proxy settings of a guest: it goes to the relay, and learns neither address nor password of the proxy. */
export function guestProxySettings(settings: Proxies): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...settings].map(([name, value]) => [name, name === 'no_proxy' ? value : `http://127.0.0.1:${port}`]),
  );
}

/** Shell text for the hook of a container: lets a guest on `pid` talk to the relay's socket, on its loopback. */
export function relayHook(directory: string): string {
  const program = `const net = require('node:net');
net.createServer(one => {
  const other = net.connect('${directory}/${relaySocket}');
  const end = () => { one.destroy(); other.destroy(); };
  one.on('error', end).on('close', end).pipe(other);
  other.on('error', end).on('close', end).pipe(one);
}).listen(${port}, '127.0.0.1', () => console.log('ready'));`;
  return `cat >'${directory}/relay.cjs' <<'END'
${program}
END
mkfifo '${directory}/relay.ready'
nsenter --target "$pid" --net '${process.execPath}' '${directory}/relay.cjs' >'${directory}/relay.ready' 2>'${directory}/relay.log' </dev/null &
if [ "$(head -n 1 '${directory}/relay.ready')" != ready ]; then
  cat '${directory}/relay.log' >&2
  exit 1
fi
`;
}

/** A proxy server on a socket in a directory, which passes on to the proxies of the settings with their credentials. */
export async function openRelay(directory: string, reach: RelayReach): Promise<{ close(): Promise<void> }> {
  const { proxies } = reach;
  const server = createServer((incoming, response) => {
    admitted(incoming.url ?? '', reach)
      .then(may => pass(may ? proxies.get('http_proxy') : undefined, incoming, response))
      .catch(() => response.destroy());
  });
  server.on('connect', (incoming: IncomingMessage, client: Duplex, head: Buffer) => {
    client.on('error', () => client.destroy());
    admitted(`https://${incoming.url ?? ''}`, reach)
      .then(may => tunnel(may ? proxies.get('https_proxy') : undefined, incoming, client, head))
      .catch(() => client.destroy());
  });
  // By its descriptor, for the path of a socket has 107 bytes at most.
  const handle: FileHandle = await open(directory);
  server.maxConnections = mostConnections;
  const clients = new Set<Duplex>();
  server.on('connection', client => {
    clients.add(client);
    client.once('close', () => clients.delete(client));
  });
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(join('/proc/self/fd', String(handle.fd), relaySocket), resolve);
    });
  } catch (error) {
    await handle.close();
    throw error;
  }
  return {
    async close() {
      for (const client of clients) client.destroy();
      await new Promise<void>(resolve => server.close(() => resolve()));
      await handle.close();
    },
  };
}

/**
 * Whether a guest may have its proxy fetch from a URL. The proxy chooses among the addresses of a name, so all must be admitted. A name that this
 * machine does not know is left to the proxy.
 */
async function admitted(url: string, { rule, servers }: RelayReach): Promise<boolean> {
  const host = hostOf(url);
  if (host === undefined || host === '') return false;
  if (servers.some(server => hostOf(server) === host)) return true;
  const found = await rule.resolve(host).catch(() => undefined);
  return found === undefined || found.every(({ address }) => rule.admits(address));
}

function pass(proxy: string | undefined, incoming: IncomingMessage, response: ServerResponse): void {
  const { method, url: path, headers } = incoming;
  const target = proxyOf(proxy);
  if (target === undefined) {
    response.writeHead(502).end();
    return;
  }
  const outgoing = request({ ...target.place, method, path, headers: { ...headers, ...target.headers } });
  outgoing.on('response', answer => {
    try {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.on('error', () => response.destroy()).pipe(response);
    } catch {
      // A status or a header that HTTP does not have.
      response.destroy();
    }
  });
  outgoing.on('error', () => {
    if (response.headersSent) response.destroy();
    else response.writeHead(502, 'The proxy of the builder does not answer').end();
  });
  response.on('close', () => outgoing.destroy());
  incoming.on('error', () => outgoing.destroy()).pipe(outgoing);
}

function tunnel(proxy: string | undefined, incoming: IncomingMessage, client: Duplex, head: Buffer): void {
  const refuse = (): void => {
    client.end('HTTP/1.1 502 The proxy of the builder does not answer\r\n\r\n');
  };
  const target = proxyOf(proxy);
  if (target === undefined) {
    refuse();
    return;
  }
  const path = incoming.url ?? '';
  const outgoing = request({
    ...target.place,
    method: 'CONNECT',
    path,
    headers: { host: path, ...target.headers },
  });
  outgoing.on('error', refuse);
  outgoing.on('response', answer => {
    client.end(`HTTP/1.1 ${answer.statusCode ?? 502} The proxy of the builder refuses\r\n\r\n`);
    answer.destroy();
  });
  outgoing.on('connect', (_answer, server, first) => {
    server.on('error', () => client.destroy()).on('close', () => client.destroy());
    client.on('close', () => server.destroy());
    client.write('HTTP/1.1 200 Connection established\r\n\r\n');
    client.write(first);
    server.write(head);
    server.pipe(client).pipe(server);
  });
  outgoing.end();
}

/** Address and credentials of a proxy; undefined for what is no http proxy. */
function proxyOf(
  text = '',
): { readonly place: object; readonly headers: Readonly<Record<string, string>> } | undefined {
  const { server, credentials } = readProxy(text);
  if (server?.protocol !== 'http:' || server.hostname === '') return undefined;
  const place = {
    host: server.hostname.replace(/^\[|\]$/g, ''),
    port: server.port === '' ? 80 : Number(server.port),
    agent: false,
  };
  if (credentials === '') return { place, headers: {} };
  const code = Buffer.from(credentials).toString('base64');
  return { place, headers: { 'proxy-authorization': `Basic ${code}` } };
}
