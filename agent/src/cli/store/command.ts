import type { Command } from 'commander';
import type { StoreFlags } from './run.js';

export interface StoreActions {
  readonly checkStore: (flags: StoreFlags) => Promise<void>;
  readonly rebuildStore: (flags: StoreFlags) => Promise<void>;
  readonly backUpStore: (file: string, flags: StoreFlags) => Promise<void>;
  readonly restoreStore: (file: string, flags: StoreFlags) => Promise<void>;
}

/** Adds the command `store`. */
export function addStoreCommand(program: Command, actions: StoreActions): void {
  const store = program
    .command('store')
    .description('Check, rebuild, back up and restore the database of jobs and images.')
    .configureHelp({ showGlobalOptions: false })
    .helpOption('-h, --help', 'show this help');
  const add = (usage: string, summary: string): Command =>
    store
      .command(usage)
      .description(summary)
      .option('--json', 'print one JSON object')
      .option(
        '--imgdir <directory>',
        'image directory of the agent (default: as its configuration file says)',
      )
      .helpOption('-h, --help', 'show this help');
  add(
    'check',
    'Find where database, image files, secrets and logs disagree; exit code 6 if they do. The agent may run.',
  ).action((_flags: unknown, command: Command) => actions.checkStore(command.optsWithGlobals()));
  add(
    'rebuild',
    'Make the database anew from the image files, and list the records that are lost. The agent must not run.',
  ).action((_flags: unknown, command: Command) => actions.rebuildStore(command.optsWithGlobals()));
  add('backup <file>', 'Write a copy of the database to a new file. The agent may run.').action(
    (file: string, _flags: unknown, command: Command) => actions.backUpStore(file, command.optsWithGlobals()),
  );
  add(
    'restore <file>',
    'Replace the database by a backup; the old one is moved aside. The agent must not run.',
  ).action((file: string, _flags: unknown, command: Command) =>
    actions.restoreStore(file, command.optsWithGlobals()),
  );
}
