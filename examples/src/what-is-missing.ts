import { doctorReport, type PluginHealth } from '@imagefactory/agent';
import type { Plugin, Template } from '@imagefactory/plugin-api';

/** What this machine lacks to build a template for a target: a line for each thing, with the command that gets it. */
export async function whatIsMissing(
  plugins: readonly Plugin[],
  template: Template,
  target: string,
): Promise<readonly string[]> {
  const needed = plugins.filter(plugin =>
    plugin.kind === 'os'
      ? plugin.name !== 'mock' && plugin.supports(template)
      : plugin.targets.includes(target),
  );
  const { plugins: health } = await doctorReport(needed);
  return health.filter(({ ready }) => !ready).flatMap(missingOf);
}

function missingOf({ name, requirements }: PluginHealth): string[] {
  return requirements.flatMap(requirement =>
    requirement.state === 'missing'
      ? [`  ${name}: ${requirement.need}: ${requirement.detail}; get it with: ${requirement.remedy}`]
      : [],
  );
}
