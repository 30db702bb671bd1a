import { BuildError } from '../errors.js';

/** What a program in a sandbox reaches: nothing but itself, or servers elsewhere without this machine's own loopback. */
export type SandboxNetwork = 'none' | 'outbound';

/** The resolver that a guest sees with the network `outbound`. slirp4netns answers there by means of this machine's own. */
export const outboundResolver = 'nameserver 10.0.2.3\n';

/** Tool that carries the network `outbound`. */
export const networkTool = 'slirp4netns';

/**
 * Shell text of a `createRuntime` hook (OCI runtime specification, "POSIX-platform Hooks"): reads the container's state from standard
 * input, and gives its network namespace an interface.
 *
 * @param log path of a file for what the tool says
 */
export function outboundHook(log: string): string {
  return `#!/bin/sh
set -eu
pid=$(sed -n 's/.*"pid": *\\([0-9]*\\).*/\\1/p')
mkfifo '${log}.ready'
${networkTool} --configure --mtu=65520 --disable-host-loopback --enable-sandbox --enable-seccomp --ready-fd=3 "$pid" tap0 3>'${log}.ready' >'${log}' 2>&1 </dev/null &
if [ "$(cat '${log}.ready')" != 1 ]; then
  cat '${log}' >&2
  exit 1
fi
`;
}

const lookups =
  /Temporary failure (?:in name resolution|resolving)|Could not resolve|[Nn]ame or service not known|bad address|Network is (?:unreachable|down)|unable to resolve/;

/** The failure of a program that wanted a network and has none, by its last lines. */
export function networkOff(
  label: string,
  lines: readonly string[],
  cause: BuildError,
): BuildError | undefined {
  const line = lines.find(text => lookups.test(text));
  if (line === undefined) return undefined;
  return new BuildError(
    'network_off',
    `${label} has no network (${line.trim()}); install packages with <packages>, or have the agent started with --command-network`,
    { cause },
  );
}
