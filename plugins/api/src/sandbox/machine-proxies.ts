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
    const { credentials, password, written } = credentialsOf(proxies.get(name) ?? '');
    if (password === '') return [];
    return [password, written, Buffer.from(credentials).toString('base64')];
  });
}

/** User and password of a proxy, joined and as they are; `written` is the password as the text has it. */
export function credentialsOf(proxy: string): {
  readonly credentials: string;
  readonly password: string;
  readonly written: string;
} {
  const text = proxy.includes('://') ? proxy : `http://${proxy}`;
  if (!URL.canParse(text)) return { credentials: '', password: '', written: '' };
  const { username, password: written } = new URL(text);
  const password = decoded(written);
  return { credentials: username === '' ? '' : `${decoded(username)}:${password}`, password, written };
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
