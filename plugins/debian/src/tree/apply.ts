import type { GuestOptions, Progress, Sandbox, TemplateCommand } from '@imagefactory/plugin-api';
import { runGuestScript } from './guest-files.js';

/** Runs the `<commands>` or `<precommands>` of a template one after the other; the first that fails ends the build. */
export async function applyCommands(
  sandbox: Sandbox,
  tree: string,
  commands: readonly TemplateCommand[],
  kind: 'command' | 'precommand',
  options: Pick<GuestOptions, 'env' | 'network' | 'shadows'>,
  progress: Progress,
): Promise<void> {
  for (const { name, script } of commands) {
    const label = `${kind} "${name}"`;
    await progress.step(`running the ${label}`, 1 / commands.length, () =>
      runGuestScript(sandbox, tree, label, script, options),
    );
  }
}
