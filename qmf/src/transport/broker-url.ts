import { QmfError } from '../errors.js';

/** Where and how to reach a broker. */
export interface BrokerAddress {
  /** `amqp` is AMQP 1.0 and `amqp091` is AMQP 0-9-1; with an s, over TLS. */
  readonly scheme: BrokerScheme;
  readonly host: string;
  readonly port: number;
  /** Virtual host; absent: in AMQP 1.0, which sends it as hostname, the host's own name; in AMQP 0-9-1 `/`. */
  readonly vhost?: string;
  readonly user?: string;
  readonly password?: string;
}

export type BrokerScheme = keyof typeof defaultPorts;

const defaultPorts = { amqp: 5672, amqps: 5671, amqp091: 5672, amqp091s: 5671 } as const;

/**
 * Reads `HOST`, `HOST:PORT`, `[IPV6]:PORT` or `amqp[s]://[user[:password]@]host[:port][/vhost]`; the same with
 * `amqp091[s]://` for AMQP 0-9-1.
 *
 * @throws QmfError `invalid_argument` that says which part is wrong; never repeats a password.
 */
export function parseBrokerUrl(text: string): BrokerAddress {
  return parse(text, text);
}

/**
 * Reads one broker, or several with commas between them, in the order in which they are to be tried. A comma that is part of a
 * user, a password or a virtual host is written `%2C`.
 *
 * @throws QmfError `invalid_argument` that says which part of which broker is wrong; never repeats a password.
 */
export function parseBrokerList(list: string): [BrokerAddress, ...BrokerAddress[]] {
  const [first = '', ...others] = list.split(',');
  const read = (text: string): BrokerAddress => parse(text, shownInList(text, list));
  return [read(first), ...others.map(read)];
}

/** A piece without an @ may be half a user and password that a comma has torn apart. */
function shownInList(text: string, list: string): string {
  return text !== list && !text.includes('@') && list.includes('@') ? '***' : text;
}

/** @param shown what errors may show */
function parse(text: string, shown: string): BrokerAddress {
  const trimmed = text.trim();
  // The URL parser would drop or turn these round in silence.
  if (/[\s\\]/.test(trimmed)) throw invalid(shown, 'it holds white space or a backslash');
  const withScheme = trimmed.includes('://') ? trimmed : `amqp://${trimmed}`;
  let url: URL;
  try {
    // The URL parser knows host and port only for schemes it knows, so http stands in for amqp.
    url = new URL(withScheme.replace(zoned, '$1$3').replace(/^[a-z0-9+.-]+:/i, 'http:'));
  } catch (cause) {
    throw invalid(shown, 'it cannot be read as a broker address', cause);
  }
  const scheme = withScheme.slice(0, withScheme.indexOf(':')).toLowerCase();
  if (!isScheme(scheme)) throw invalid(shown, `the scheme '${scheme}' is not known`);
  if (url.hostname === '') throw invalid(shown, 'it names no host');
  if (url.search !== '' || url.hash !== '') throw invalid(shown, 'options after ? or # are not known');
  const port = explicitPort(withScheme) ?? defaultPorts[scheme];
  if (port === 0) throw invalid(shown, 'nothing can be reached at port 0');
  if (url.username === '' && url.password !== '') throw invalid(shown, 'it has a password but no user');
  const decoded = (part: string, what: string): string => {
    try {
      return decodeURIComponent(part);
    } catch (cause) {
      throw invalid(shown, `the ${what} holds a % that starts no percent-encoded byte; write %25`, cause);
    }
  };
  const vhost = decoded(pathOf(withScheme), 'virtual host');
  return {
    scheme,
    host: url.hostname.replace(/^\[|\]$/g, '') + zoneOf(withScheme),
    port,
    ...(vhost === '' ? {} : { vhost }),
    ...(url.username === '' ? {} : { user: decoded(url.username, 'user') }),
    ...(url.password === '' ? {} : { password: decoded(url.password, 'password') }),
  };
}

/**
 * What stands behind the host, as it is: the URL parser takes `a/../b` for `b`, which is another virtual host.
 */
function pathOf(text: string): string {
  const [, ...path] = text.slice(text.indexOf('://') + 3).split('/');
  return path.join('/');
}

/** The interface of a link-local address, `[fe80::1%25eth0]` (RFC 6874), which URLs don't have; `%eth0` is taken for the same. */
const zoned = /^([a-z0-9+.-]+:\/\/(?:[^/]*@)?\[[0-9a-f:.]+)%(?:25)?([\w.~-]+)(\])/i;

function zoneOf(text: string): string {
  const zone = zoned.exec(text)?.[2];
  return zone === undefined ? '' : `%${zone}`;
}

/** Whether the address asks for TLS. */
export function isSecure(address: BrokerAddress): boolean {
  return address.scheme === 'amqps' || address.scheme === 'amqp091s';
}

function isScheme(text: string): text is BrokerScheme {
  return Object.hasOwn(defaultPorts, text);
}

/** `url.port` is empty for 80, the default of the stand-in scheme; so the port is read from the text. */
function explicitPort(text: string): number | undefined {
  const authority = text.slice(text.indexOf('://') + 3).split('/', 1)[0] ?? '';
  const port = /:(\d+)$/.exec(authority.slice(authority.lastIndexOf('@') + 1))?.[1];
  return port === undefined ? undefined : Number(port);
}

/** The address for people: no user, no password. */
export function describeBroker(address: BrokerAddress): string {
  const host = address.host.includes(':') ? `[${address.host.replace('%', '%25')}]` : address.host;
  const vhost = address.vhost === undefined ? '' : `/${encodeURIComponent(address.vhost)}`;
  return `${address.scheme}://${host}:${address.port}${vhost}`;
}

function invalid(text: string, why: string, cause?: unknown): QmfError {
  // Up to the last @, because a password may hold any character, also where it should have been percent-encoded.
  const shown = text.replace(/^(\s*[a-z0-9+.-]+:\/\/)?.*@/is, '$1***@');
  return new QmfError(
    'invalid_argument',
    `broker '${shown}': ${why}; write HOST, HOST:PORT or amqp://[user[:password]@]host[:port][/vhost] (amqps, amqp091 and amqp091s too), and %2C for a comma within`,
    cause instanceof Error ? { cause: new Error(cause.name) } : {},
  );
}
