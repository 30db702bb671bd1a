import {
  type Diagnosis,
  isReady,
  type Plugin,
  type Requirement,
  type SandboxSettings,
} from '@imagefactory/plugin-api';
import { errorLine } from '@imagefactory/factory/platform';

/** What one plugin needs and what of it is there. */
export interface PluginHealth {
  readonly kind: 'os' | 'cloud';
  readonly name: string;
  readonly summary: string;
  /** Target names, of cloud plugins. */
  readonly targets?: readonly string[];
  /** Whether it can build on this machine. */
  readonly ready: boolean;
  readonly requirements: readonly Requirement[];
}

export interface DoctorReport {
  /** Whether every plugin can build on this machine. */
  readonly ready: boolean;
  readonly plugins: readonly PluginHealth[];
}

/** Milliseconds that a plugin may take to look at the machine. */
const patience = 30_000;

/**
 * Asks every plugin what it lacks on this machine. Never rejects: a plugin that fails at that isn't ready.
 *
 * @param sandbox as the agent's option
 */
export async function doctorReport(
  plugins: readonly Plugin[],
  sandbox: SandboxSettings = {},
): Promise<DoctorReport> {
  const health = await Promise.all(plugins.map(plugin => examine(plugin, sandbox)));
  return { ready: health.every(({ ready }) => ready), plugins: health };
}

async function examine(plugin: Plugin, sandbox: SandboxSettings): Promise<PluginHealth> {
  const diagnosis = await diagnose(plugin, sandbox);
  return {
    kind: plugin.kind,
    name: plugin.name,
    summary: plugin.summary,
    ...(plugin.kind === 'cloud' ? { targets: plugin.targets } : {}),
    ready: isReady(diagnosis),
    requirements: diagnosis.requirements,
  };
}

async function diagnose(plugin: Plugin, sandbox: SandboxSettings): Promise<Diagnosis> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${patience / 1000} s`)), patience);
  });
  try {
    return await Promise.race([plugin.doctor(sandbox), deadline]);
  } catch (error) {
    const requirement: Requirement = {
      need: 'a plugin that works',
      state: 'missing',
      detail: `its own examination failed: ${errorLine(error)}`,
      remedy: 'report this to the author of the plugin',
    };
    return { requirements: [requirement] };
  } finally {
    clearTimeout(timer);
  }
}
