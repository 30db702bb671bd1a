import { QmfError } from '../errors.js';
import { shownUrl } from '@imagefactory/text';

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
 * `amqp091[s]://` for AMQP 0-9-1. User and password are what stands before the last `@` (RFC 3986 §3.2.1), and a `/`, `?`, `#`, `[` or
 * `]` in them is refused: it would end the host's part of a URL, so that half a password would be taken for the host's name.
 *
 * @throws QmfError `invalid_argument` that says which part is wrong; never repeats a user or a password.
 */
export function parseBrokerUrl(text: string): BrokerAddress {
  return parse(text, shownUrl(text));
}

/**
 * Reads one broker, or several with commas between them, in the order in which they are to be tried. A comma that is part of a
 * user, a password or a virtual host is written `%2C`; so that one that is not can be told, the second and later brokers of a list are written
 * with their scheme if they have a user.
 *
 * @throws QmfError `invalid_argument` that says which part of which broker is wrong; never repeats a user or a password.
 */
export function parseBrokerList(list: string): [BrokerAddress, ...BrokerAddress[]] {
  const [first = '', ...others] = list.split(',');
  const torn = others.find(text => text.includes('@') && !hasScheme(text));
  if (torn !== undefined) {
    throw invalid(
      shownUrl(torn),
      'a broker of a list that has a user needs its scheme; a comma in a user or password is %2C',
    );
  }
  const lastLogin = others.findLastIndex(text => text.includes('@'));
  return [
    parse(first, lastLogin < 0 ? shownUrl(first) : '***'),
    // Before the last @ anything may be a part of a password that a comma has torn apart.
    ...others.map((text, index) => parse(text, index < lastLogin ? '***' : shownUrl(text))),
  ];
}

/** @param shown the address as errors may show it */
function parse(text: string, shown: string): BrokerAddress {
  const trimmed = text.trim();
  // The URL parser would drop or turn these round in silence.
  if (/[\s\\]/.test(trimmed)) throw invalid(shown, 'it holds white space or a backslash');
  const [, named = 'amqp', rest = ''] = parts.exec(trimmed) ?? [];
  const scheme = named.toLowerCase();
  if (!isScheme(scheme)) throw invalid(shown, `the scheme '${scheme}' is not known`);
  const at = rest.lastIndexOf('@');
  const login = at < 0 ? {} : readLogin(rest.slice(0, at), shown);
  const place = rest.slice(at + 1);
  if (/[?#]/.test(place)) throw invalid(shown, 'options after ? or # are not known');
  const [authority = '', ...path] = place.split('/');
  const vhost = decoded(path.join('/'), 'virtual host', shown);
  return {
    scheme,
    ...readHost(authority, scheme, shown),
    ...(vhost === '' ? {} : { vhost }),
    ...login,
  };
}

/** Scheme, if there is one, and the rest. */
const parts = /^(?:([a-z][a-z0-9+.-]*):\/\/)?([^]*)$/i;

function hasScheme(text: string): boolean {
  return parts.exec(text.trim())?.[1] !== undefined;
}

function readLogin(text: string, shown: string): Pick<BrokerAddress, 'user' | 'password'> {
  const [delimiter] = /[/?#[\]]/.exec(text) ?? [];
  if (delimiter !== undefined) {
    throw invalid(
      shown,
      `the user or password holds a ${delimiter}, which is written ${encodeURIComponent(delimiter)} there; an @ in the virtual host is %40`,
    );
  }
  const colon = text.indexOf(':');
  const user = decoded(colon < 0 ? text : text.slice(0, colon), 'user', shown);
  const password = colon < 0 ? '' : decoded(text.slice(colon + 1), 'password', shown);
  if (user === '' && password !== '') throw invalid(shown, 'it has a password but no user');
  return { ...(user === '' ? {} : { user }), ...(password === '' ? {} : { password }) };
}

function readHost(
  authority: string,
  scheme: BrokerScheme,
  shown: string,
): Pick<BrokerAddress, 'host' | 'port'> {
  const [, bare = authority, zone, end = ''] = zoned.exec(authority) ?? [];
  let url: URL;
  try {
    // The URL parser knows host and port only for schemes it knows, so http stands in for amqp.
    url = new URL(`http://${zone === undefined ? authority : `${bare}]${end}`}`);
  } catch (cause) {
    throw invalid(shown, 'it cannot be read as a broker address', cause);
  }
  // `url.port` is empty for 80, the default of the stand-in scheme; so the port is read from the text.
  const port = /:(\d+)$/.exec(authority)?.[1];
  if (port !== undefined && Number(port) === 0) throw invalid(shown, 'nothing can be reached at port 0');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return {
    host: zone === undefined ? host : `${host}%${decoded(zone, 'zone', shown)}`,
    port: port === undefined ? defaultPorts[scheme] : Number(port),
  };
}

/** `[fe80::1%25eth0]`: an IPv6 address with the interface that leads there (RFC 6874), which the URL parser does not know. */
const zoned = /^(\[fe[89ab][0-9a-f]:[0-9a-f:.]*)%(?:25)?([\w.~-]+)\](.*)$/i;

function decoded(part: string, what: string, shown: string): string {
  try {
    return decodeURIComponent(part);
  } catch (cause) {
    throw invalid(shown, `the ${what} holds a % that starts no percent-encoded byte; write %25`, cause);
  }
}

/** Whether the address asks for TLS. */
export function isSecure(address: BrokerAddress): boolean {
  return address.scheme === 'amqps' || address.scheme === 'amqp091s';
}

function isScheme(text: string): text is BrokerScheme {
  return Object.hasOwn(defaultPorts, text);
}

/** The address for people: no user, no password. */
export function describeBroker(address: BrokerAddress): string {
  const host = address.host.includes(':') ? `[${address.host.replace('%', '%25')}]` : address.host;
  const vhost = address.vhost === undefined ? '' : `/${encodeURIComponent(address.vhost)}`;
  return `${address.scheme}://${host}:${address.port}${vhost}`;
}

function invalid(shown: string, why: string, cause?: unknown): QmfError {
  return new QmfError(
    'invalid_argument',
    `broker '${shown}': ${why}; write HOST, HOST:PORT or amqp://[user[:password]@]host[:port][/vhost] (amqps, amqp091 and amqp091s too), and %2C for a comma within`,
    // The error of the URL parser quotes all of its input.
    cause instanceof Error ? { cause: new Error(cause.name) } : {},
  );
}
