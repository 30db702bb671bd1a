import type { Progress, TemplateCommand, TemplateFile } from '@imagefactory/plugin-api';
import { runGuestScript, writeGuestFiles } from './guest-files.js';
import type { Sandbox } from './sandbox.js';

/** Writes the `<files>` of a template. */
export async function applyFiles(
  sandbox: Sandbox,
  tree: string,
  files: readonly TemplateFile[],
): Promise<void> {
  await writeGuestFiles(sandbox, tree, files);
}

/** Runs the `<commands>` or `<precommands>` of a template one after the other; the first that fails ends the build. */
export async function applyCommands(
  sandbox: Sandbox,
  tree: string,
  commands: readonly TemplateCommand[],
  kind: 'command' | 'precommand',
  env: Readonly<Record<string, string>>,
  progress: Progress,
): Promise<void> {
  for (const { name, script } of commands) {
    const label = `${kind} "${name}"`;
    await progress.step(`running the ${label}`, 1 / commands.length, () =>
      runGuestScript(sandbox, tree, label, script, env),
    );
  }
}
