import type { IdRange, SandboxLimits } from '@imagefactory/plugin-api';
import type { BusFlagValues } from '@imagefactory/qmf/command-line';
import type { SchemaRevision } from '@imagefactory/schema';
import { Command } from 'commander';
import { daemonOptions } from './daemon-options.js';
import { exitCodesHelp } from './exit-codes.js';
import { addImageCommand, type ImageActions } from './image/command.js';
import { addStoreCommand, type StoreActions } from './store/command.js';
import { addTemplateCommand, type TemplateActions } from './template/command.js';
import type { PluginFlags } from './plugin-choice.js';
import { UsageError } from './usage-error.js';
import { packageVersion } from './version.js';
import type { WarehouseFlags } from './warehouse-choice.js';

/** The options of the daemon as commander reads them. */
export interface DaemonFlags extends BusFlagValues, WarehouseFlags, PluginFlags {
  readonly qmf?: true;
  readonly broker?: readonly string[];
  readonly qpidd?: readonly string[];
  readonly embeddedBroker?: true;
  readonly embeddedBrokerUsers?: string;
  readonly imgdir?: string;
  readonly tmpdir?: string;
  readonly timeout: number;
  readonly toolSilence: number;
  readonly maxConcurrent: number;
  readonly maxConcurrentAt?: Readonly<Record<string, number>>;
  readonly minFree: number;
  readonly buildIds?: IdRange;
  readonly buildLimit?: Partial<SandboxLimits>;
  readonly commandNetwork?: true;
  readonly cache: boolean;
  readonly cacheSize: number;
  readonly config?: string;
  readonly keepFinished: number;
  readonly settleTime: number;
  readonly keepFailedImages: number;
  readonly keepRecords: number;
  readonly interval: number;
  readonly giveUpAfter?: number;
  readonly qmfDomain: string;
  readonly strictSecurity?: true;
  readonly allowPrivateAddresses?: true;
  readonly qmfSchema: SchemaRevision;
  readonly acl?: string;
  readonly aclUnverifiedUsers?: boolean;
  readonly providers?: string;
  readonly bodyForm: 'value' | 'data' | 'auto';
  readonly verbose?: true;
  readonly debug?: true;
  readonly foreground?: true;
}

export interface Actions extends TemplateActions, ImageActions, StoreActions {
  readonly daemon: (flags: DaemonFlags) => Promise<void>;
  readonly doctor: (flags: { readonly json?: true }) => Promise<void>;
}

/**
 * The command line. Parsing it throws commander's errors instead of ending the process.
 *
 * @param write where help goes
 */
export function buildProgram(
  actions: Actions,
  write: (text: string) => void = text => void process.stdout.write(text),
): Command {
  const program = new Command('imagefactory')
    .description('Builds virtual machine images on orders that come over a message bus (QMFv2 over AMQP).')
    .version(`imagefactory ${packageVersion()}`, '--version', 'show the version')
    .helpOption('-h, --help', 'show this help')
    .usage(
      '--qmf [options]\n       imagefactory doctor [--json]\n       imagefactory template validate|show TEMPLATE…\n       imagefactory image list|show|delete|verify|waiting\n       imagefactory store check|rebuild|backup|restore',
    )
    // Long names of options leave little room for what they do; it is wrapped all the same.
    .configureHelp({ minWidthToWrap: 20 })
    // Told by who parses, as all other errors.
    .configureOutput({ writeOut: write, writeErr: () => undefined })
    .allowExcessArguments()
    .exitOverride();
  for (const option of daemonOptions()) program.addOption(option);
  program.addHelpText('after', `${helpAfter}\n${exitCodesHelp}`);
  program.action(() => {
    const [word] = program.args;
    if (word !== undefined)
      throw new UsageError(
        `unknown command '${word}'; there are doctor, template, image and store (see --help)`,
      );
    return actions.daemon(program.opts<DaemonFlags>());
  });
  program
    .command('doctor')
    .description('List the plugins, what each lacks on this machine, and the command that gets it.')
    .option('--json', 'print one JSON object')
    .helpOption('-h, --help', 'show this help')
    .action((flags: { readonly json?: true }) => actions.doctor(flags));
  addTemplateCommand(program, actions);
  addImageCommand(program, actions);
  addStoreCommand(program, actions);
  return program;
}

const helpAfter = `
The agent stays in the foreground in any case; leave running it in the
background to systemd or the like. Without --foreground it logs to
/var/log/imagefactory.log, or to imagefactory.log in --imgdir when it may not
write there, and only what matters most is shown on standard error as well.
Times are in UTC.

A password on the command line can be seen by other users of the machine. Use
--password-file, or the environment: IMAGEFACTORY_BROKER, IMAGEFACTORY_USER,
IMAGEFACTORY_PASSWORD or IMAGEFACTORY_PASSWORD_FILE; and
IMAGEFACTORY_KEY_PASSPHRASE for an encrypted --key.`;
