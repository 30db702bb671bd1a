import { QmfError } from '@imagefactory/qmf';
import { isInputError, maskArguments } from '@imagefactory/text';
import { CommanderError } from 'commander';
import { errorLine } from '@imagefactory/factory/platform';
import { chooseBroker } from './broker-choice.js';
import { applyConfigFile } from './config-file.js';
import { runDaemon } from './daemon.js';
import { sandboxSettings } from './sandbox-settings.js';
import { pluginsFor } from './plugin-choice.js';
import { runDoctor } from './doctor.js';
import { exitCodes } from './exit-codes.js';
import { deleteImages, listImages, listWaiting, showImage, verifyStore } from './image/run.js';
import { buildProgram, type DaemonFlags } from './program.js';
import { backUpStore, checkStore, rebuildStore, restoreStore } from './store/run.js';
import { showTemplate, validateTemplates } from './template/run.js';
import { localSources } from './template/sources.js';
import { UsageError } from './usage-error.js';

/** The streams of a command. */
export interface CommandOutput {
  /** Standard output. */
  readonly write: (text: string) => void;
  /** Standard error. */
  readonly complain: (text: string) => void;
}

export interface CommandEnd {
  readonly exitCode: number;
  /** Whether the agent ran. Its log is no result, so a loss of output does not change its exit code. */
  readonly daemon: boolean;
}

/**
 * Runs the command `imagefactory` in this process. Errors of use are told on `complain`, and end with a code, as all others.
 *
 * @param args what follows the name of the command
 */
export async function runCommand(
  args: readonly string[],
  { write, complain }: CommandOutput,
): Promise<CommandEnd> {
  let exitCode: number = exitCodes.ok;
  let daemon = false;
  const program = buildProgram(
    {
      daemon: async given => {
        const remarks = await applyConfigFile(program, given.config);
        const flags = program.opts<DaemonFlags>();
        if (flags.qmf !== true) {
          throw new UsageError(
            'nothing to do: give --qmf to run the agent, or the command doctor (see --help)',
          );
        }
        const chosen = (option: 'broker'): boolean =>
          ['cli', 'config'].includes(program.getOptionValueSource(option) ?? '');
        const choice = chooseBroker(flags, chosen, process.env);
        daemon = true;
        exitCode = await runDaemon(flags, choice, remarks);
      },
      doctor: async ({ json }) => {
        const { config } = program.opts<DaemonFlags>();
        await applyConfigFile(program, config);
        const flags = program.opts<DaemonFlags>();
        exitCode = await runDoctor(await pluginsFor(flags), json === true, sandboxSettings(flags), write);
      },
      validateTemplates: async (references, flags) => {
        exitCode = await validateTemplates(references, flags, localSources(flags.imgdir), write);
      },
      showTemplate: async (reference, flags) => {
        exitCode = await showTemplate(reference, flags, localSources(flags.imgdir), write, complain);
      },
      listImages: async flags => {
        exitCode = await listImages(flags, { write, complain });
      },
      showImage: async (identifier, flags) => {
        exitCode = await showImage(identifier, flags, { write, complain });
      },
      deleteImages: async (identifiers, flags) => {
        exitCode = await deleteImages(identifiers, flags, { write, complain });
      },
      listWaiting: async flags => {
        exitCode = await listWaiting(flags, { write, complain });
      },
      checkStore: async flags => {
        exitCode = await checkStore(flags, { write, complain });
      },
      rebuildStore: async flags => {
        exitCode = await rebuildStore(flags, { write, complain });
      },
      backUpStore: async (file, flags) => {
        exitCode = await backUpStore(file, flags, { write, complain });
      },
      restoreStore: async (file, flags) => {
        exitCode = await restoreStore(file, flags, { write, complain });
      },
      verifyImages: async (identifier, flags) => {
        exitCode = await verifyStore(identifier, flags, { write, complain });
      },
    },
    write,
  );
  // The images are where the agent has them, and that may be said in its configuration alone.
  program.hook('preAction', async (_program, { parent }) => {
    if (parent === program || parent === null) return;
    const { config, imgdir } = program.opts<DaemonFlags>();
    if (imgdir === undefined) await applyConfigFile(program, config);
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return { exitCode, daemon };
  } catch (error) {
    // Asking for help or the version is no error.
    if (error instanceof CommanderError && error.exitCode === 0) return { exitCode: exitCodes.ok, daemon };
    const wrongUse =
      error instanceof CommanderError ||
      error instanceof UsageError ||
      isInputError(error) ||
      (error instanceof QmfError && error.code === 'invalid_argument');
    const message = error instanceof Error ? error.message.replace(/^error: /, '') : String(error);
    complain(`imagefactory: ${errorLine(maskArguments(message, args))}\n`);
    return { exitCode: wrongUse ? exitCodes.usage : exitCodes.failed, daemon };
  }
}
