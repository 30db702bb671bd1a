import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import type { Requirement } from '../doctor.js';
import { BuildError } from '../errors.js';
import { whichTool } from '../which.js';
import { networkTool, routeTool } from './network.js';

/**
 * Whether this machine has what the network `outbound` takes.
 *
 * @param find finds a tool; default {@link whichTool}
 */
export async function networkRequirement(
  find: (tool: string) => Promise<string | undefined> = whichTool,
): Promise<Requirement> {
  const need = 'a sandbox: network';
  const device = '/dev/net/tun';
  const usable = await access(device, constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  );
  if (!usable) {
    return {
      ...{ need, state: 'missing', detail: `${device} does not exist or may not be opened` },
      remedy: `modprobe tun; chmod 0666 ${device}`,
    };
  }
  for (const [tool, name] of networkPackages) {
    if ((await find(tool)) !== undefined) continue;
    return {
      ...{ need, state: 'missing', detail: `${tool} is not installed` },
      remedy: `apt-get install --no-install-recommends ${name}`,
    };
  }
  return { need, state: 'met', detail: networkTool };
}

/** Tools of the network `outbound`, and the packages that bring them. */
const networkPackages = [
  [networkTool, networkTool],
  [routeTool, 'iproute2'],
] as const;

/** @throws BuildError `tool_missing` with the remedy, where a program is to have a network and this machine can't make one */
export async function requireNetwork(requirement = networkRequirement()): Promise<void> {
  const found = await requirement;
  if (found.state !== 'missing') return;
  throw new BuildError(
    'tool_missing',
    `packages are fetched by ${networkTool}: ${found.detail}; ${found.remedy}`,
  );
}
