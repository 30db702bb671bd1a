import { networkInterfaces } from 'node:os';
import { BuildError } from '../errors.js';
import { isLoopbackAddress, specialNetworks } from '../urls/addresses.js';
import { hostOf, type UrlRule } from '../urls/url-rule.js';

/** What a program in a sandbox reaches: nothing but itself, or servers elsewhere, as the {@link UrlRule} has it. */
export type SandboxNetwork = 'none' | 'outbound';

/** The resolver that a guest sees with the network `outbound`. slirp4netns answers there by means of this machine's own. */
export const outboundResolver = 'nameserver 10.0.2.3\n';

/** Tool that carries the network `outbound`. */
export const networkTool = 'slirp4netns';

/** Tool that sets its routes. */
export const routeTool = 'ip';

/** Addresses of slirp4netns: its gateway and its resolver. Nothing else of its network is reached. */
const slirp = { network: '10.0.2.0/24', gateway: '10.0.2.2', resolver: '10.0.2.3', device: 'tap0' };

/**
 * The routes of a guest, as lines for `ip -batch`: none to the networks that are not public and to addresses of this machine, but to
 * servers that the operator has configured.
 *
 * @param servers URLs of those, resolved now; one without an address is left out
 */
export async function outboundRoutes(
  rule: UrlRule,
  servers: readonly string[],
  own: readonly string[] = ownAddresses(),
): Promise<readonly string[]> {
  if (rule.allowPrivateAddresses) return [];
  const reached = new Set<string>();
  for (const host of new Set(servers.map(hostOf))) {
    const found = host === undefined ? [] : await rule.resolve(host).catch(() => []);
    for (const { address, family } of found)
      if (family === 4 && !isLoopbackAddress(address)) reached.add(address);
  }
  const { network, gateway, resolver, device } = slirp;
  return [
    ...specialNetworks.map(([address, prefix]) => `route add unreachable ${address}/${prefix}`),
    ...own.filter(address => !reached.has(address)).map(address => `route add unreachable ${address}/32`),
    ...[gateway, resolver].map(address => `route replace ${address}/32 dev ${device} scope link`),
    `route del ${network} dev ${device}`,
    ...[...reached]
      .filter(address => address !== gateway && address !== resolver)
      .map(address => `route replace ${address}/32 via ${gateway} dev ${device}`),
  ];
}

/** IPv4 addresses of this machine, those that its loopback interface has beside the loopback's own among them. */
function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces())
    .flatMap(addresses => addresses ?? [])
    .filter(({ family, address }) => family === 'IPv4' && !isLoopbackAddress(address))
    .map(({ address }) => address);
}

/**
 * Shell text of a `createRuntime` hook (OCI runtime specification, "POSIX-platform Hooks"): reads the container's state from standard
 * input, and gives its network namespace an interface and routes, which the guest has no right to change. IPv6 stays off.
 *
 * @param log path of a file for what the tools say
 * @param routes as of {@link outboundRoutes}
 */
export function outboundHook(log: string, routes: readonly string[]): string {
  return `#!/bin/sh
set -eu
pid=$(sed -n 's/.*"pid": *\\([0-9]*\\).*/\\1/p')
mkfifo '${log}.ready'
${networkTool} --configure --mtu=65520 --disable-host-loopback --enable-sandbox --enable-seccomp --ready-fd=3 "$pid" ${slirp.device} 3>'${log}.ready' >'${log}' 2>&1 </dev/null &
if [ "$(cat '${log}.ready')" != 1 ]; then
  cat '${log}' >&2
  exit 1
fi
nsenter --target "$pid" --net ${routeTool} -4 -batch - <<END
${routes.join('\n')}
END
`;
}

/** What programs say without a network: of the C library, curl, apt, busybox, Node.js, Java, Go, Rust and dig. */
const complaints = [
  ...[
    /Temporary failure (?:in name resolution|resolving)/,
    /Could not resolve/i,
    /[Nn]ame or service not known/,
  ],
  ...[
    /bad address/,
    /Network is (?:unreachable|down)/i,
    /unable to resolve/,
    /[Ff]ailed to (?:resolve|lookup address)/,
  ],
  ...[/\bE(?:AI_AGAIN|NOTFOUND|NETUNREACH)\b/, /\bUnknownHostException\b/, /dial tcp: lookup/],
  /no servers could be reached/,
];

/** Whether a line of a program's output says that it wanted a network. */
export function wantsNetwork(line: string): boolean {
  return complaints.some(pattern => pattern.test(line));
}

/** The failure of a program that wanted a network and has none, by a line that {@link wantsNetwork}. */
export function networkOff(label: string, line: string, cause: BuildError): BuildError {
  return new BuildError(
    'network_off',
    `${label} has no network (${line.trim()}); install packages with <packages>, or have the agent started with --command-network`,
    { cause },
  );
}
