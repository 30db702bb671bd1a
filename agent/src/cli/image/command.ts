import { type Command, InvalidArgumentError, Option } from 'commander';
import { imageKinds } from '@imagefactory/factory/images';
import type { DeleteFlags, ImageFlags, ListFlags, VerifyFlags } from './run.js';
import { parseCondition, parseOrder } from './words.js';

export interface ImageActions {
  readonly listImages: (flags: ListFlags) => Promise<void>;
  readonly showImage: (identifier: string, flags: ImageFlags) => Promise<void>;
  readonly deleteImages: (identifiers: readonly string[], flags: DeleteFlags) => Promise<void>;
  readonly listWaiting: (flags: ImageFlags) => Promise<void>;
  readonly verifyImages: (identifier: string | undefined, flags: VerifyFlags) => Promise<void>;
}

const fieldsHelp = `
A FIELD is one that 'show --json' prints, with points to what is inside
(os.name), or kind. One that no image can have is refused, with a list of them.`;

/** Adds the command `image`. */
export function addImageCommand(program: Command, actions: ImageActions): void {
  const image = program
    .command('image')
    .description('Look at the images in the store, check and remove them.')
    .configureHelp({ showGlobalOptions: false })
    .helpOption('-h, --help', 'show this help');
  const add = (usage: string, summary: string): Command =>
    image
      .command(usage)
      .description(summary)
      .option('--json', 'print one JSON object')
      .option(
        '--imgdir <directory>',
        'where the images are (default: where the agent has them, by its configuration file too)',
      )
      .helpOption('-h, --help', 'show this help');
  add('list', 'List images, the oldest first.')
    .addOption(new Option('--kind <kind>', 'only those').choices(imageKinds))
    .addOption(
      new Option(
        '--where <condition>',
        "only those with FIELD=VALUE, or with !=, <, <=, >, >= or ~ ('contains'); may be repeated",
      )
        .default([], 'all')
        .argParser((text, before: ListFlags['where']) => [...before, parseCondition(text)]),
    )
    .addOption(new Option('--sort <field>', 'sort by it; -FIELD: downwards').argParser(parseOrder))
    .addOption(new Option('--limit <number>', 'no more than so many').argParser(count))
    .addOption(new Option('--offset <number>', 'leave so many out at the beginning').argParser(count))
    .addHelpText('after', fieldsHelp)
    .action((_flags: unknown, command: Command) => actions.listImages(command.optsWithGlobals()));
  add('show <image>', 'Tell what is known of one.').action(
    (identifier: string, _flags: unknown, command: Command) =>
      actions.showImage(identifier, command.optsWithGlobals()),
  );
  add('delete <image...>', 'Remove images; not those that others were made from.')
    .option('--with-children', 'remove what was made from them too')
    .action((identifiers: readonly string[], _flags: unknown, command: Command) =>
      actions.deleteImages(identifiers, command.optsWithGlobals()),
    );
  add('verify [image]', 'Compare bodies with their digests, and find damage; exit code 6 if there is any.')
    .option('--quick', 'compare sizes alone, without reading the bodies')
    .action((identifier: string | undefined, _flags: unknown, command: Command) =>
      actions.verifyImages(identifier, command.optsWithGlobals()),
    );
  add('waiting', 'List what an agent with --warehouse has not been able to store there yet.').action(
    (_flags: unknown, command: Command) => actions.listWaiting(command.optsWithGlobals()),
  );
}

function count(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Give a whole number from 0.');
  return Number(text);
}
