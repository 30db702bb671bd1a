import type { Command } from 'commander';
import type { TemplateFlags } from './run.js';

export interface TemplateActions {
  readonly validateTemplates: (references: readonly string[], flags: TemplateFlags) => Promise<void>;
  readonly showTemplate: (reference: string, flags: TemplateFlags) => Promise<void>;
}

const forms = `
A TEMPLATE is the path of a file, - for standard input, an http or https URL,
the uuid of an image in --imgdir, or TDL text.`;

/** Adds the command `template`. */
export function addTemplateCommand(program: Command, actions: TemplateActions): void {
  const template = program
    .command('template')
    .description('Look at templates: check them, or tell what is in one.')
    .configureHelp({ showGlobalOptions: false })
    .helpOption('-h, --help', 'show this help');
  const add = (usage: string, summary: string): Command =>
    template
      .command(usage)
      .description(summary)
      .option('--json', 'print one JSON object')
      .option(
        '--partial',
        'take it for additions to an image: packages, repositories, files and commands alone',
      )
      .option('--imgdir <directory>', 'images whose templates can be named by uuid')
      .helpOption('-h, --help', 'show this help')
      .addHelpText('after', forms);
  add(
    'validate <template...>',
    'Tell every error and warning, with line, column and remedy; exit code 5 if there is an error.',
  ).action((references: readonly string[], _flags: unknown, command: Command) =>
    actions.validateTemplates(references, command.optsWithGlobals()),
  );
  add('show <template>', 'Tell what is in it, without passwords.').action(
    (reference: string, _flags: unknown, command: Command) =>
      actions.showTemplate(reference, command.optsWithGlobals()),
  );
}
