import type { Plugin, Requirement, SandboxSettings } from '@imagefactory/plugin-api';
import { type DoctorReport, doctorReport, type PluginHealth } from '../runtime/index.js';
import { exitCodes } from './exit-codes.js';

/** Prints what the plugins lack on this machine; gives the exit code. */
export async function runDoctor(
  plugins: readonly Plugin[],
  json: boolean,
  sandbox: SandboxSettings,
  write: (text: string) => void,
): Promise<number> {
  const report = await doctorReport(plugins, sandbox);
  write(json ? `${JSON.stringify(report)}\n` : describeReport(report));
  return report.ready ? exitCodes.ok : exitCodes.notReady;
}

/** The report for people: a paragraph per plugin, and at the end the commands that would mend everything. */
export function describeReport({ ready, plugins }: DoctorReport): string {
  const remedies = new Set(
    plugins.flatMap(({ requirements }) =>
      requirements.flatMap(requirement => (requirement.state === 'missing' ? [requirement.remedy] : [])),
    ),
  );
  const conclusion = ready
    ? 'Every plugin can build on this machine.'
    : ['To make every plugin ready:', ...[...remedies].map(remedy => `  ${remedy}`)].join('\n');
  return `${plugins.map(describePlugin).join('\n')}\n${conclusion}\n`;
}

function describePlugin({ kind, name, summary, targets, ready, requirements }: PluginHealth): string {
  const of = kind === 'os' ? 'OS plugin' : 'cloud plugin';
  const forTargets = targets === undefined ? '' : `; targets: ${targets.join(', ')}`;
  const head = `${ready ? 'ready    ' : 'NOT READY'}  ${of} ${name}: ${summary}${forTargets}\n`;
  return head + requirements.map(describeRequirement).join('');
}

const marks = { met: 'ok      ', degraded: 'limited ', missing: 'missing ' } as const;

function describeRequirement(requirement: Requirement): string {
  const line = `             ${marks[requirement.state]} ${requirement.need}: ${requirement.detail}\n`;
  return requirement.state === 'met' ? line : `${line}                      remedy: ${requirement.remedy}\n`;
}
