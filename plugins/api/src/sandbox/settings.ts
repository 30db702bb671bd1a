import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { BuildLog } from '../build-log.js';
import type { Requirement } from '../doctor.js';
import { BuildError } from '../errors.js';
import type { ToolRunner } from '../runner.js';
import { createToolRunner } from '../tool-runner.js';
import { createUrlRule } from '../urls/url-rule.js';
import { holdBlock } from './id-lock.js';
import type { IdRange } from './id-ranges.js';
import { defaultLimits, type LimitName, type SandboxLimits } from './limits.js';
import { machine } from './machine.js';
import { machineProxies, type Proxies } from './machine-proxies.js';
import { networkRequirement } from './network-tools.js';
import { OciSandbox } from './oci-sandbox.js';
import type { Sandboxes } from './sandbox.js';
import { hostnameOf } from './spec.js';

/** The operator's choices for all sandboxes of an agent. */
export interface SandboxSettings {
  /** Ids for builds, as `--build-ids`; default: those of `/etc/subuid` and `/etc/subgid`. */
  readonly ids?: IdRange;
  /** As `--build-limit`; others as {@link defaultLimits}. */
  readonly limits?: Partial<SandboxLimits>;
  /** Whether commands of templates have a network, as `--command-network`; default false. */
  readonly commandNetwork?: boolean;
  /** Whether builds reach private addresses, as `--allow-private-addresses`; default false. */
  readonly allowPrivateAddresses?: boolean;
}

/** What sandboxes need of their build. */
export interface SandboxUser {
  readonly log: BuildLog;
  readonly signal: AbortSignal;
  /** Where everything of the sandboxes is. */
  readonly scratch: string;
  readonly run: ToolRunner;
}

/** The sandboxes of one build, and the way to end those that are left. */
export interface BuildSandboxes extends Sandboxes {
  /** Disposes those that are still open. */
  release(): Promise<void>;
}

export function createSandboxes(settings: SandboxSettings, user: SandboxUser): BuildSandboxes {
  const { log, signal, scratch, run } = user;
  const rule = createUrlRule(settings);
  let proxies: Promise<Proxies> | undefined;
  const open = new Set<OciSandbox>();
  const quiet = createToolRunner({ log: { ...log, info: ignore, debug: ignore }, scratch, signal });
  return {
    commandNetwork: settings.commandNetwork === true ? 'outbound' : 'none',
    async open({ hostname = '', limits = {}, servers = [] } = {}) {
      const found = await machine(settings.ids === undefined ? {} : { ids: settings.ids });
      const held = await holdBlock(found.blocks, {
        signal,
        onWait: count => log.info(`waiting for ids: other builds have all ${count} blocks`),
      });
      try {
        const sandbox = await OciSandbox.create({
          ...{ machine: found, held, run, quiet, log },
          directory: join(scratch, `sandbox-${randomUUID()}`),
          hostname: hostnameOf(hostname),
          reach: { rule, servers, proxies: await (proxies ??= machineProxies()) },
          limits: narrowest({ ...defaultLimits, ...settings.limits }, limits),
        });
        open.add(sandbox);
        return sandbox;
      } catch (error) {
        await held.release();
        throw error;
      }
    },
    async release() {
      for (const sandbox of open) await sandbox.dispose();
      open.clear();
    },
  };
}

function narrowest(limits: SandboxLimits, others: Partial<SandboxLimits>): SandboxLimits {
  const least = (name: LimitName): number => Math.min(limits[name], others[name] ?? Number.POSITIVE_INFINITY);
  return {
    processes: least('processes'),
    openFiles: least('openFiles'),
    fileSize: least('fileSize'),
    memory: least('memory'),
    bytes: least('bytes'),
    files: least('files'),
  };
}

/** What sandboxes need and whether this machine has it, for the `doctor()` of plugins that open some. */
export async function sandboxRequirements(settings: SandboxSettings = {}): Promise<readonly Requirement[]> {
  const requirements: Requirement[] = [];
  try {
    const { runtime, blocks, root } = await machine(settings.ids === undefined ? {} : { ids: settings.ids });
    const user = root ? 'root' : 'an ordinary user';
    requirements.push({
      need: 'a sandbox: OCI runtime',
      state: 'met',
      detail: `${runtime.name} works as ${user}`,
    });
    requirements.push({
      need: 'a sandbox: ids',
      state: 'met',
      detail: `for ${blocks.length} builds at a time`,
    });
    if (!runtime.cgroups) {
      requirements.push({
        need: 'a sandbox: control groups',
        state: 'degraded',
        detail: 'memory is limited for each process of a build, not for all together',
        remedy: 'run the agent as root on a machine whose control groups it may write',
      });
    }
  } catch (error) {
    const { message } = BuildError.from(error);
    const [detail = message, remedy = 'see SECURITY.md'] = message.split(/; (?=[^;]*$)/);
    requirements.push({ need: 'a sandbox', state: 'missing', detail, remedy });
  }
  requirements.push(await networkRequirement());
  return requirements;
}

function ignore(): void {
  // Of the sandbox itself, nothing belongs into the build's log.
}
