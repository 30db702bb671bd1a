import { execFile } from 'node:child_process';

/** The proxies of this machine, by the names that most programs read: `http_proxy`, `https_proxy`, `no_proxy`. Values may have a password. */
export type Proxies = ReadonlyMap<string, string>;

/** The proxies of an environment. */
export function proxySettings(env: NodeJS.ProcessEnv): Proxies {
  const found = new Map<string, string>();
  for (const name of ['http_proxy', 'https_proxy', 'no_proxy']) {
    const value = env[name] ?? env[name.toUpperCase()];
    if (value !== undefined && value !== '') found.set(name, value);
  }
  return found;
}

/**
 * The proxies that package managers of this machine go by: those of its apt (apt-transport-http(1), apt-transport-https(1)), else of the
 * environment. Of proxies for single hosts only `DIRECT` is taken over.
 *
 * @param configuration what `apt-config dump` prints; empty without apt
 */
export async function machineProxies(
  env: NodeJS.ProcessEnv = process.env,
  configuration: () => Promise<string> = aptConfiguration,
): Promise<Proxies> {
  const found = new Map(proxySettings(env));
  const settings = new Map<string, string>();
  const direct = new Set<string>();
  for (const [, scheme = '', host, value = ''] of (await configuration()).matchAll(setting)) {
    if (host === undefined) settings.set(scheme.toLowerCase(), value);
    else if (value === 'DIRECT') direct.add(host);
  }
  for (const scheme of ['http', 'https']) {
    const value = settings.get(scheme) || settings.get('http');
    if (value === undefined || value === '') continue;
    if (value === 'DIRECT') found.delete(`${scheme}_proxy`);
    else found.set(`${scheme}_proxy`, value);
  }
  if (direct.size > 0) {
    const others = found.get('no_proxy');
    found.set('no_proxy', [...(others === undefined ? [] : [others]), ...direct].join(','));
  }
  return found;
}

/** Everything of the proxies' credentials that must not be in a log. */
export function proxySecrets(proxies: Proxies): readonly string[] {
  return ['http_proxy', 'https_proxy'].flatMap(name => {
    const { credentials, password, written } = readProxy(proxies.get(name) ?? '');
    if (password === '') return [];
    return [password, written, Buffer.from(credentials).toString('base64')];
  });
}

/** A proxy as its parts. It has no path, so all before the last `@` is user and password, whatever characters they hold. */
export function readProxy(text: string): {
  /** Undefined for what is no URL. */
  readonly server: URL | undefined;
  /** User and password joined, as they are; empty without a user. */
  readonly credentials: string;
  readonly password: string;
  /** The password as the text has it. */
  readonly written: string;
} {
  const [, scheme = 'http://', rest = ''] = /^\s*([a-z][a-z\d+.-]*:\/\/)?([^]*)$/i.exec(text) ?? [];
  const at = rest.lastIndexOf('@');
  const [, user = '', written = ''] = /^([^:]*):?([^]*)$/.exec(rest.slice(0, Math.max(0, at))) ?? [];
  const place = `${scheme}${rest.slice(at + 1)}`;
  const password = decoded(written);
  return {
    server: URL.canParse(place) ? new URL(place) : undefined,
    credentials: user === '' ? '' : `${decoded(user)}:${password}`,
    password,
    written,
  };
}

/** A line of `apt-config dump`, such as `Acquire::http::Proxy::mirror.example "DIRECT";`. */
const setting = /^Acquire::(https?)::Proxy(?:::([^\s:"]+))? "(.*)";$/gim;

function aptConfiguration(): Promise<string> {
  return new Promise(resolve => {
    execFile('apt-config', ['dump'], { timeout: 20_000 }, (error, stdout) => {
      resolve(error === null ? stdout : '');
    });
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
