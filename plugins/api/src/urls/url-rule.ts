import { lookup, type LookupAddress } from 'node:dns';
import { isIP } from 'node:net';
import { BuildError } from '../errors.js';
import { isLoopbackAddress, isPublicAddress } from './addresses.js';
import type { TemplateUrl } from './template-url.js';

export interface UrlRuleOptions {
  /** As the operator's `--allow-private-addresses`; default false. */
  readonly allowPrivateAddresses?: boolean;
  /** All addresses of a name; default: the system's resolver. */
  readonly resolve?: Resolver;
  /** Which addresses are public; default `isPublicAddress`. */
  readonly isPublic?: (address: string) => boolean;
}

/** All addresses of a name. Rejects when there are none. */
export type Resolver = (name: string) => Promise<readonly LookupAddress[]>;

/**
 * The rule for all URLs of templates: they lead to public addresses and to servers that the operator has configured, elsewhere only
 * with `--allow-private-addresses`. What it admits here, the network of a sandbox admits too, by address; so a name that changes its
 * address after this check leads nowhere.
 */
export interface UrlRule {
  readonly allowPrivateAddresses: boolean;
  /** Whether connections may go to an address that nobody has configured. */
  admits(address: string): boolean;
  /** All addresses of a name; an address is its own. Rejects when there are none. */
  resolve(host: string): Promise<readonly LookupAddress[]>;
  /**
   * Refuses a URL before a build begins. A name without an address passes: its proxy may know it, and else it leads nowhere.
   *
   * @param configured URLs of servers that the operator has configured, such as the package sources of this machine
   * @throws BuildError `template_invalid` that names the element, the host and the remedy
   */
  check(url: TemplateUrl, configured?: readonly string[]): Promise<void>;
}

export function createUrlRule(options: UrlRuleOptions = {}): UrlRule {
  const { allowPrivateAddresses = false, resolve: addressesOf = systemAddresses } = options;
  const { isPublic = isPublicAddress } = options;
  const admits = (address: string): boolean => allowPrivateAddresses || isPublic(address);
  const resolve: Resolver = host => {
    const family = isIP(host);
    return family === 0 ? addressesOf(host) : Promise.resolve([{ address: host, family }]);
  };
  return {
    allowPrivateAddresses,
    admits,
    resolve,
    async check({ host, element }, configured = []) {
      const found = await resolve(host).catch(() => undefined);
      if (found === undefined) return;
      const refused = (why: string): BuildError =>
        new BuildError('template_invalid', `${element}: ${JSON.stringify(host)} ${why}`);
      if (found.every(({ address }) => isLoopbackAddress(address))) {
        throw refused(
          'is the loopback of this machine, which builds do not reach; give the server an address of its own',
        );
      }
      if (configured.some(url => hostOf(url) === host)) return;
      if (found.some(({ address }) => admits(address))) return;
      throw refused(
        'has no public address; have the agent started with --allow-private-addresses, or add the server to the package sources of its machine',
      );
    },
  };
}

/** The host of a URL that the operator has configured, in the form of {@link TemplateUrl.host}. */
export function hostOf(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { hostname } = new URL(url);
  return hostname.replace(/^\[|\]$|\.+$/g, '');
}

function systemAddresses(name: string): Promise<readonly LookupAddress[]> {
  return new Promise((resolve, reject) => {
    lookup(name, { all: true }, (error, addresses) => {
      if (error === null) resolve(addresses);
      else reject(error);
    });
  });
}
