import { defaultLimits, type IdRange, parseIdRange, type SandboxLimits } from '@imagefactory/plugin-api';
import { brokerHelp, busFlags } from '@imagefactory/qmf/command-line';
import { schemaRevisions } from '@imagefactory/schema';
import { InvalidArgumentError, Option } from 'commander';
import { usualConfigFile } from './config-file.js';
import { pluginSource } from './plugin-choice.js';

/** The options of the daemon, each under the heading that `--help` shows it under. */
export function daemonOptions(): readonly Option[] {
  return [
    ...under('The agent:', [
      new Option('--qmf', 'run the agent on a QMF bus'),
      new Option(
        '--config <file>',
        `JSON object with options as keys; the command line goes before it (default: ${usualConfigFile}, if there is one)`,
      ),
      new Option('--acl <file>', 'who may call what, in JSON; what the file does not allow is refused'),
      new Option(
        '--acl-unverified-users',
        'use the list of --acl at brokers too that do not check user ids, where callers can give any name',
      ),
      new Option(
        '--qmf-schema <revision>',
        'classes that consoles are told of: those of the API note of 2011 with what 2012 added behind them, exactly those of the note, or those of 2012; all methods are answered in any case',
      )
        .choices(schemaRevisions)
        .default('2011'),
      new Option('--foreground', 'log to standard output instead of the log file'),
      new Option('--verbose', 'log more'),
      new Option('--debug', 'log everything'),
    ]),
    ...under('Broker:', [
      new Option('--broker <address>', `${brokerHelp} (default: localhost)`)
        .env('IMAGEFACTORY_BROKER')
        .argParser(collect),
      new Option('--qpidd <address>', 'the same under its later name').argParser(collect),
      ...busFlags.map(({ flags, help, choices }) => {
        const option = new Option(flags, help);
        return choices === undefined ? option : option.choices(choices);
      }),
      new Option(
        '--embedded-broker',
        'bring a broker along, on 127.0.0.1:5672 or on a free port when that one is taken',
      ),
      new Option(
        '--embedded-broker-users <file>',
        'users of the embedded broker with their roles and passwords, in JSON; without it every user of this machine may do everything there',
      ),
      new Option(
        '--give-up-after <seconds>',
        'end with exit code 1 when there has been no broker for so long (default: keep trying)',
      ).argParser(whole(1, 31_536_000)),
    ]),
    ...under('QMF:', [
      new Option('--qmf-domain <name>', 'QMF domain').default('default').argParser(domainName),
      new Option('--interval <seconds>', 'time between heartbeats').default(30).argParser(whole(1, 86_400)),
      new Option('--keep-finished <seconds>', 'how long finished builds can be queried; at most 1000 of them')
        .default(86_400)
        .argParser(whole(0, 1_000_000_000)),
      new Option(
        '--settle-time <seconds>',
        'how long running calls may take to end, and the last messages to reach the broker, when the agent stops',
      )
        .default(5)
        .argParser(whole(0, 3_600)),
      new Option(
        '--strict-security',
        'answer only to consoles that use their own keys on the topic exchange',
      ),
      new Option(
        '--body-form <form>',
        'body of heartbeats and events: value, data (for C++ consoles that run over AMQP 1.0), or auto, as the broker needs it',
      )
        .choices(['value', 'data', 'auto'])
        .default('auto'),
    ]),
    ...under('Directories:', [
      new Option(
        '--imgdir <directory>',
        'images, build logs and state (default: /var/lib/imagefactory/storage, or below ~/.local/share without the right to write there)',
      ),
      new Option(
        '--tmpdir <directory>',
        "scratch space of builds (default: /var/tmp, or the system's temporary directory)",
      ),
      new Option(
        '--providers <directory>',
        'where files such as rhevm.json define providers, one for each target (default: /etc/imagefactory)',
      ),
    ]),
    ...under('Builds:', [
      new Option('--timeout <seconds>', 'longest time that a build may take')
        .default(3600)
        .argParser(whole(1, 2_000_000)),
      new Option(
        '--tool-silence <seconds>',
        'how long an outside tool may say nothing before it counts as stuck; 0 for ever',
      )
        .default(900)
        .argParser(whole(0, 2_000_000)),
      new Option(
        '--max-concurrent <number>',
        'builds at the same time on this machine; the others wait their turn',
      )
        .default(2)
        .argParser(whole(1, 1000)),
      new Option(
        '--max-concurrent-at <name=number>',
        'jobs at the same time by another resource than this machine, such as ec2=4; may be repeated (default: 4 each)',
      ).argParser(limitAt),
      new Option(
        '--min-free <MiB>',
        'space on disks that builds leave free, beside what they need themselves',
      )
        .default(256)
        .argParser(whole(0, 1_000_000_000)),
      new Option(
        '--build-ids <first:count>',
        'user and group ids for builds, 65536 each at a time, that no account uses, such as 524288:1048576 (default: those of this user in /etc/subuid and /etc/subgid)',
      ).argParser(idRange),
      new Option(
        '--build-limit <name=number>',
        'most that a build may take: processes, openFiles, fileSize, memory, bytes (all in bytes) or files; may be repeated (default: 4096, 16384, 16G, 4G, 20G, 2000000)',
      ).argParser(buildLimit),
      new Option('--command-network', 'let commands of templates reach public servers'),
      new Option(
        '--plugin <package>',
        'load this package of plugins beside those that come with the agent; may be repeated',
      ).argParser(pluginSource),
      new Option('--no-bundled-plugins', 'leave out the plugins that come with the agent'),
      new Option('--no-recommends', 'install packages of templates without those that they recommend'),
      new Option('--no-cache', 'make every stage of a build anew, and keep none for later builds'),
      new Option('--cache-size <MiB>', 'space for stages of builds; what was not used for longest goes first')
        .default(10_240)
        .argParser(whole(0, 1_000_000_000)),
      new Option(
        '--keep-failed-images <number>',
        'records of failed images that are kept; those that failed first go',
      )
        .default(1000)
        .argParser(whole(0, 1_000_000_000)),
      new Option(
        '--keep-records <days>',
        'how long the catalogue knows images that were deleted or have failed; 0 for ever',
      )
        .default(30)
        .argParser(whole(0, 1_000_000)),
      new Option(
        '--allow-private-addresses',
        'also fetch from private addresses: templates by URL, and what templates name for their builds',
      ),
    ]),
    ...under('Image warehouse:', [
      new Option(
        '--warehouse <url>',
        'image warehouse (iwhd) where all that is built, pushed and imported is stored too; its templates can be named by uuid, and its target images pushed',
      ),
      new Option('--warehouse-key-file <file>', 'OAuth key for the warehouse'),
      new Option('--warehouse-secret-file <file>', 'and its secret'),
      ...buckets.map(
        ([option, what]) =>
          new Option(`--${option} <bucket>`, `where ${what} are (default: ${what.replace(' ', '_')})`),
      ),
    ]),
  ];
}

function under(heading: string, options: readonly Option[]): readonly Option[] {
  return options.map(option => option.helpGroup(heading));
}

const buckets = [
  ['image_bucket', 'images'],
  ['build_bucket', 'builds'],
  ['target_bucket', 'target images'],
  ['template_bucket', 'templates'],
  ['icicle_bucket', 'icicles'],
  ['provider_bucket', 'provider images'],
] as const;

/** For options that may be given more than once. */
function collect(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text];
}

function limitAt(
  text: string,
  before: Readonly<Record<string, number>> | undefined,
): Readonly<Record<string, number>> {
  const [, resource, number] = /^([a-z][\w-]{0,40})=(\d{1,4})$/.exec(text) ?? [];
  const limit = Number(number);
  if (resource === undefined || resource === 'local' || !(limit >= 1 && limit <= 1000)) {
    throw new InvalidArgumentError(
      'Give the name of a resource and a number, such as ec2=4; for this machine use --max-concurrent.',
    );
  }
  return { ...before, [resource]: limit };
}

function idRange(text: string): IdRange {
  try {
    return parseIdRange(text);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}

const units: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };

function buildLimit(text: string, before: Partial<SandboxLimits> | undefined): Partial<SandboxLimits> {
  const [, name = '', number, unit = ''] = /^(\w+)=(\d{1,12})([KMGT]?)$/.exec(text) ?? [];
  const value = Number(number) * (units[unit] ?? Number.NaN);
  if (!Object.hasOwn(defaultLimits, name) || !Number.isSafeInteger(value) || value < 1) {
    const names = Object.keys(defaultLimits).join(', ');
    throw new InvalidArgumentError(`Give one of ${names} and a number, such as memory=8G.`);
  }
  return { ...before, [name]: value };
}

function whole(least: number, most: number): (text: string) => number {
  return text => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most)) {
      throw new InvalidArgumentError(`Give a whole number from ${least} to ${most}.`);
    }
    return value;
  };
}

function domainName(text: string): string {
  if (!/^[\w-]{1,100}$/.test(text)) throw new InvalidArgumentError('Give letters, digits, - and _ only.');
  return text;
}
