import { brokerHelp, busFlags } from '@imagefactory/qmf/command-line';
import { Command, Help, Option } from 'commander';
import { type GlobalOptions, positiveInteger, seconds } from './args/settings.js';
import { abortCommand } from './commands/abort.js';
import { agentsCommand } from './commands/agents.js';
import { buildCommand, type BuildOptions } from './commands/build.js';
import { callCommand } from './commands/call.js';
import { eventsCommand, type EventsOptions } from './commands/events.js';
import { importCommand, type ImportOptions } from './commands/import.js';
import { logCommand, type LogCommandOptions } from './commands/log.js';
import { pushCommand, type PushOptions } from './commands/push.js';
import { queryCommand, type QueryOptions } from './commands/query.js';
import { imagesCommand, jobsCommand, type ListOptions } from './commands/record-lists.js';
import { recordedEventsCommand } from './commands/recorded-events.js';
import { schemaCommand } from './commands/schema.js';
import { watchCommand, type WatchOptions } from './commands/watch.js';
import { needs } from './commander.js';
import type { Action } from './context.js';
import { usageError } from './errors.js';
import { exitCodesHelp } from './exit-codes.js';

export interface ProgramHost {
  /** Runs a command with the options that stood on its line. */
  readonly run: (options: GlobalOptions, action: Action) => Promise<void>;
  /** What examples begin with. */
  readonly prefix: string;
  readonly version?: string;
  /** Reads commands line by line; absent where that is being done already. */
  readonly repl?: Action;
  /** Shows events in the background; absent where there is no background. */
  readonly switchEvents?: (options: EventsOptions & GlobalOptions, turn: 'on' | 'off') => void;
}

/** The command line: names, options and help. What commands do is in `commands/`. */
export function buildProgram({ run, prefix, version, repl, switchEvents }: ProgramHost): Command {
  // Commander gives a program without a name one of its own when it parses; a blank it leaves, and usage lines are trimmed.
  const program = new Command(prefix.trim() || ' ')
    .description(
      'Finds Image Factory agents (and any other QMFv2 agents) on a message bus, asks and calls them.',
    )
    .configureHelp({ commandUsage: command => new Help().commandUsage(command).trim() })
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'Show the help of a command.')
    .addHelpText('after', programHelp);
  if (version !== undefined) program.version(version, '-V, --version', 'show the version');
  if (repl !== undefined) addBusOptions(program);
  program
    .option('-t, --timeout <seconds>', 'how long to wait for agents and answers (default: 10)')
    .option('-j, --json', 'JSON, one object per line; errors as JSON to standard error')
    .option(
      '-a, --agent <name>',
      'the agent to use: its name, vendor, product, instance, or how one of these begins',
    );

  const optionsForAll =
    repl === undefined
      ? '\nWith every command: --agent NAME, --timeout SECONDS, --json.'
      : `\nWith every command: --broker, --agent, --timeout, --json and more; see ${prefix}--help.`;
  const add = (usage: string, summary: string, examples: readonly string[]): Command =>
    program
      .command(usage)
      .description(summary)
      .helpOption('-h, --help', 'show this help')
      .addHelpText('after', optionsForAll)
      .addHelpText('after', ['', 'Examples:', ...examples.map(line => `  ${prefix}${line}`)].join('\n'));
  const start = (command: Command, action: Action): Promise<void> =>
    run(command.optsWithGlobals<GlobalOptions>(), action);

  add('agents', 'List the agents that answer.', ['agents', 'agents --wait 5 --agent redhat.com:imagefactory'])
    .option('-w, --wait <seconds>', 'how long agents have to answer (default: 1)')
    .action((options: { wait?: string }, command: Command) => {
      const wait = seconds(options.wait ?? '1', '--wait') * 1_000;
      return start(command, context => agentsCommand(context, wait));
    });

  add('query', 'Show objects: of a class, or one by its name.', [
    'query ImageFactory',
    'query com.redhat.imagefactory:BuildAdaptor --columns status,percent_complete',
    `query "{class:ImageFactory, package:'com.redhat.imagefactory'}"`,
    `query BuildAdaptor --where "[eq, status, [quote, 'COMPLETED']]"`,
    'query build_adaptor-6d2a3c9e-3c1c-4b7e-9a57-0d6c2f1b8a44 --json',
  ])
    .argument('<query>', "CLASS, PACKAGE:CLASS, an object's name, or {class:C, package:'p', where:[…]}")
    .option('--where <predicate>', 'only objects for which it holds, e.g. "[eq, status, [quote, NEW]]"')
    .option('--columns <names>', 'a table of these properties, separated by commas')
    .action((text: string, options: QueryOptions, command: Command) =>
      start(command, context => queryCommand(context, text, options)),
    );

  add('schema', 'List the classes that agents publish, or show one of them.', [
    'schema',
    'schema ImageFactory',
  ])
    .argument('[class]', 'CLASS or PACKAGE:CLASS')
    .action((name: string | undefined, _options: unknown, command: Command) =>
      start(command, context => schemaCommand(context, name)),
    );

  add('call', 'Call a method of an object.', [
    'call image_factory build_image @template.xml mock null null',
    'call ImageFactory build_image descriptor=@template.xml target=mock image_uuid=null sec_credentials=@creds.xml',
    'call --agent qpidd org.apache.qpid.broker:broker:amqp-broker echo 1 hello',
  ])
    .argument('<object>', "an object's name, or a class that has one object only")
    .argument('<method>', "one of the object's class; 'schema CLASS' shows them")
    .argument('[args...]', 'values in the order of the schema, or name=value')
    .addHelpText('after', callHelp)
    .action((object: string, method: string, args: string[], _options: unknown, command: Command) =>
      start(command, context => callCommand(context, object, method, args)),
    );

  add('build', 'Start a build; prints the name of its adaptor, one for each target.', [
    'build template.xml --target mock --watch',
    'build template.xml --target mock --target openstack-kvm --watch --json',
    'build - --target openstack-kvm --credentials creds.xml < template.xml',
  ])
    .argument(
      '<template>',
      'file with the template, - for standard input, or what the agent finds it by: a URL, or a uuid',
    )
    .option('--target <name>', 'what to build for, e.g. mock or openstack-kvm; again for others', several)
    .option('--image-uuid <uuid>', 'identifier of the image (default: a new one)')
    .option('--credentials <file>', 'file with the credentials for the target, where there is one')
    .option('--watch', 'follow all to their ends; exit code 1 if one fails')
    .hook('preAction', needs('target'))
    .action((template: string, options: BuildOptions, command: Command) =>
      start(command, context => buildCommand(context, template, options)),
    );

  add('push', 'Push a build of an image to providers; prints the names of the adaptors.', [
    'push 6d2a3c9e-3c1c-4b7e-9a57-0d6c2f1b8a44 --provider mock-one --credentials creds.xml --watch',
    'push build_adaptor-6d2a3c9e-3c1c-4b7e-9a57-0d6c2f1b8a44 --provider mock-one --provider mock-two --credentials - < creds.xml',
  ])
    .argument(
      '<build>',
      "uuid of a build or of one of its target images, or the name of an adaptor; or an image's uuid, for its latest build that was not pushed",
    )
    .option(
      '--provider <name>',
      'where to: a name, or a definition in JSON or XML; again for others',
      several,
    )
    .option('--credentials <file>', 'file with the <provider_credentials>, or - for standard input')
    .option('--watch', 'follow all to their ends; exit code 1 if one fails')
    .hook('preAction', needs('provider', 'credentials'))
    .action((build: string, options: PushOptions, command: Command) =>
      start(command, context => pushCommand(context, build, options)),
    );

  add('import', 'Have the agent note an image that a provider has already; prints the uuids that it gets.', [
    'import ami-1 --target mock --provider mock-one',
    'import ami-1 --target mock --provider mock-one --image 6d2a3c9e-3c1c-4b7e-9a57-0d6c2f1b8a44 --json',
  ])
    .argument('<identifier>', 'what the provider calls the image')
    .option('--target <name>', 'what the image is for')
    .option('--provider <name>', 'where it is')
    .option('--image <uuid>', 'the image that it belongs to (default: a new one)')
    .option('--build <uuid>', 'the build of that image that it belongs to (default: a new one)')
    .option('--description <file>', 'file with <image><name>…</name></image>, for a new image')
    .hook('preAction', needs('target', 'provider'))
    .action((identifier: string, options: ImportOptions, command: Command) =>
      start(command, context => importCommand(context, identifier, options)),
    );

  add('watch', 'Follow a build or push to its end; exit code 1 if it fails.', [
    'watch build_adaptor-6d2a3c9e-3c1c-4b7e-9a57-0d6c2f1b8a44',
    'watch 6d2a3c9e --from-beginning --json',
  ])
    .argument('<build>', buildHelp)
    .option('--from-beginning', 'with all changes that the agent has on record')
    .action((build: string, options: WatchOptions, command: Command) =>
      start(command, context => watchCommand(context, build, options)),
    );

  const addList = (
    name: string,
    summary: string,
    examples: readonly string[],
    list: typeof jobsCommand,
  ): void => {
    add(name, summary, examples)
      .option(
        '--where <condition>',
        "only those with FIELD=VALUE, or with !=, <, <=, >, >= or ~ ('contains'); may be repeated",
        several,
      )
      .option(
        '--sort <field>',
        'sort by it, the oldest first by default; -FIELD: downwards; again for others',
        several,
      )
      .option('--limit <number>', 'no more than so many')
      .action((options: ListOptions, command: Command) => start(command, context => list(context, options)));
  };
  addList(
    'jobs',
    'List jobs: those that wait and run, and ended ones as long as they are kept.',
    [
      'jobs --where status=running',
      "jobs --where 'created>2026-12-01' --where target=mock --sort=-created --limit 10",
    ],
    jobsCommand,
  );
  addList(
    'images',
    'List base, target and provider images, imported ones included.',
    ['images --where kind=provider', 'images --where os.name~debian --json'],
    imagesCommand,
  );

  add('log', 'Show the log of a build or push.', [
    'log build_adaptor-6d2a3c9e-3c1c-4b7e-9a57-0d6c2f1b8a44 --follow',
    'log 6d2a3c9e-3c1c-4b7e-9a57-0d6c2f1b8a44 --from 120 --json',
  ])
    .argument('<build>', buildHelp)
    .option('-f, --follow', 'go on with new lines until the build is over')
    .option('--from <number>', 'the first line that is wanted (default: 1)')
    .action((build: string, options: LogCommandOptions, command: Command) =>
      start(command, context => logCommand(context, build, options)),
    );

  add('abort', 'End a build or a push.', ['abort build_adaptor-6d2a3c9e-3c1c-4b7e-9a57-0d6c2f1b8a44'])
    .argument('<build>', buildHelp)
    .action((build: string, _options: unknown, command: Command) =>
      start(command, context => abortCommand(context, build)),
    );

  const events = add('events', 'Show events as they come.', [
    'events --class BuildAdaptorStatusEvent',
    'events --min-severity error --json',
    'events --from 1 --json',
  ])
    .option('-c, --class <class>', 'only events of this CLASS or PACKAGE:CLASS')
    .option(
      '--min-severity <word>',
      'only events at least as severe: emerg, alert, crit, error, warn, note, info, debug',
    )
    .option('--from <sequence>', 'first those that the agent has on record from there on; 1 for all')
    .option('-n, --count <number>', 'end after so many events');
  if (switchEvents !== undefined)
    events.argument('[on|off]', 'show them while you do something else, or no longer');
  events.action(async (...given: unknown[]) => {
    // The first is the argument, if there is one declared; commander gives text or nothing for it.
    const turn = switchEvents === undefined ? undefined : (given[0] as string | undefined);
    const { count, from, ...filters } = events.opts<EventFlags>();
    if (turn !== undefined && from !== undefined)
      throw usageError(`--from: it does not go with '${turn}'`, 'leave one of them out');
    if (turn === 'on' || turn === 'off') {
      switchEvents?.({ ...events.optsWithGlobals<GlobalOptions>(), ...filters }, turn);
      return;
    }
    if (turn !== undefined)
      throw usageError(`events: '${turn}' is not known`, "write 'on' or 'off', or nothing");
    const limit = count === undefined ? {} : { count: positiveInteger(count, '--count') };
    if (from === undefined) {
      await start(events, context => eventsCommand(context, { ...filters, ...limit }));
      return;
    }
    if (Object.keys(filters).length > 0)
      throw usageError('--from: it goes with no filter', 'leave out --class and --min-severity');
    const sequence = positiveInteger(from, '--from');
    await start(events, context => recordedEventsCommand(context, sequence, limit.count));
  });

  if (repl !== undefined) {
    add('repl', 'Read commands line by line, with completion and history on a terminal.', [
      'repl',
      'repl < commands.txt',
    ])
      .addHelpText('after', replHelp)
      .action((_options: unknown, command: Command) => start(command, repl));
  }
  return program;
}

interface EventFlags {
  readonly class?: string;
  readonly minSeverity?: string;
  readonly count?: string;
  readonly from?: string;
}

/** Collects an option that may come more than once. */
function several(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text];
}

/** Which bus, and how: once per run of the program. */
function addBusOptions(program: Command): void {
  program.option(
    '-b, --broker <address>',
    `${brokerHelp} (default: $IMAGEFACTORY_BROKER, else localhost)`,
    several,
  );
  for (const { flags, help, choices } of busFlags) {
    const option = new Option(flags, help);
    program.addOption(choices === undefined ? option : option.choices(choices));
  }
  program
    .option('--body-form <form>', "force how requests are encoded: 'value' or 'data'")
    .option('--domain <name>', 'QMF domain (default: default)');
}

const buildHelp =
  'name of the adaptor of a build or push, or its uuid or how that begins (4 characters or more)';

const callHelp = `
Arguments:
  Values are read by the types of the schema; 'schema CLASS' shows them. @file takes
  one from a file, @@ is a plain @, - takes it from standard input, null is no value.
  Maps and lists are written in JSON, or as in queries: {key: value}, [a, 'b c', 3].`;

const replHelp = `
The commands are those of the command line, and use AGENT, events on|off, help, quit.
Lines of a terminal are kept in $XDG_STATE_HOME/imagefactory/console_history (by default
below ~/.local/state) after they were run, but not those that were refused, hold a
secret (a password, token, credentials or document written inline) or begin with a space;
such a line can be recalled once, to correct it.
From a file or pipe all lines are run; the exit code is that of the first that failed.
A 'use' that fails ends the script.`;

const programHelp = `
Examples:
  imagefactory-console agents
  imagefactory-console build template.xml --target mock --watch
  imagefactory-console --broker amqps://me@bus.example.com --password-file ~/.bus events --json
  imagefactory-console repl

Instead of options: IMAGEFACTORY_BROKER, IMAGEFACTORY_USER, IMAGEFACTORY_PASSWORD (or _PASSWORD_FILE),
and IMAGEFACTORY_KEY_PASSPHRASE for an encrypted --key.

Times are in UTC (2026-11-21T05:10:11.123Z), as in the agent's log. In JSON, integers
beyond 2^53 are text, and binary that is no text is {"base64": …}.

${exitCodesHelp()}`;
