import type { SandboxSettings } from '@imagefactory/plugin-api';
import type { DaemonFlags } from './program.js';

/** The operator's choices for sandboxes, as the command line has them. */
export function sandboxSettings({ buildIds, buildLimit, commandNetwork }: DaemonFlags): SandboxSettings {
  return {
    ...(buildIds === undefined ? {} : { ids: buildIds }),
    ...(buildLimit === undefined ? {} : { limits: buildLimit }),
    commandNetwork: commandNetwork === true,
  };
}
