import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freeOwnPort } from '../own-port.js';
import { Program, type ProgramOptions } from '../program.js';
import { type Place, ready, type Recipe } from './local-process.js';

/** A RabbitMQ on this machine. */
export interface RabbitMqInstallation {
  /** For people. */
  readonly how: string;
  /** Directory of `rabbitmq-server`, `rabbitmqctl` and the others. */
  readonly scripts: string;
  /** Erlang's name server. */
  readonly epmd: string;
  readonly plugins: readonly string[];
  /** More lines for `rabbitmq.conf`. */
  readonly settings?: readonly string[];
  /** The root directory that it is to be run in, if not the machine's. */
  readonly tree?: string;
}

/** Each broker has a name server of its own, so the name needs to be no other's. */
const NODE = 'imagefactory@localhost';

interface NameServer {
  readonly program: Program;
  readonly port: number;
}

/** Runs an installed RabbitMQ beside whatever else the machine runs: all its files and ports are its own. */
export function rabbitMqRecipe(installation: RabbitMqInstallation): Recipe {
  const { how, tree } = installation;
  const nameServers = new Map<string, NameServer>();
  const start = (file: string, args: readonly string[], options: ProgramOptions = {}): Program =>
    tree === undefined
      ? new Program(file, args, { ...options, group: true })
      : new Program('chroot', [tree, file, ...args], { ...options, cwd: tree, group: true });
  return {
    how,
    credentials: 'guest:guest',
    ...(tree === undefined ? {} : { base: join(tree, 'tmp') }),
    launch: async place => {
      // Erlang's name server outlives the nodes that start it; one of our own can be stopped with the broker.
      let names = nameServers.get(place.directory);
      if (names === undefined) {
        const port = await freeOwnPort();
        names = { port, program: start(installation.epmd, ['-port', String(port), '-address', '127.0.0.1']) };
        nameServers.set(place.directory, names);
      }
      await writeFiles(installation, place);
      const env = await serverEnvironment(installation, place, names.port);
      const server = start(join(installation.scripts, 'rabbitmq-server'), [], { env });
      return ready(server, /Server startup complete/);
    },
    tool: place => async (command, args) => {
      const port = nameServers.get(place.directory)?.port ?? 0;
      const program = start(join(installation.scripts, command), args, {
        env: commonEnvironment(installation, place, port),
      });
      program.endInput();
      const { status } = await program.exited;
      if (status !== 0) throw new Error(`${command} ${args.join(' ')}: exit ${status}:\n${program.output}`);
      return program.output;
    },
    cleanUp: async ({ directory }) => {
      await nameServers.get(directory)?.program.stop();
    },
  };
}

/** The place as the broker sees it. */
function seen({ tree }: RabbitMqInstallation, { directory }: Place): string {
  return tree === undefined ? directory : directory.slice(tree.length);
}

async function writeFiles(
  { plugins, settings = [] }: RabbitMqInstallation,
  { directory, port }: Place,
): Promise<void> {
  await mkdir(join(directory, 'log'), { recursive: true });
  await writeFile(join(directory, 'enabled_plugins'), `[${plugins.join(',')}].\n`);
  await writeFile(join(directory, 'env.conf'), '');
  await writeFile(
    join(directory, 'rabbitmq.conf'),
    [
      `listeners.tcp.1 = 127.0.0.1:${port}`,
      'log.file = false',
      'log.console = true',
      'log.console.level = info',
      'loopback_users = none',
      ...settings,
      '',
    ].join('\n'),
  );
}

function commonEnvironment(
  installation: RabbitMqInstallation,
  place: Place,
  namesPort: number,
): NodeJS.ProcessEnv {
  const directory = seen(installation, place);
  return {
    ...(installation.tree === undefined ? {} : { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' }),
    HOME: directory, // for Erlang's cookie
    ERL_EPMD_PORT: String(namesPort),
    RABBITMQ_NODENAME: NODE,
    RABBITMQ_CONF_ENV_FILE: join(directory, 'env.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(directory, 'enabled_plugins'),
  };
}

async function serverEnvironment(
  installation: RabbitMqInstallation,
  place: Place,
  namesPort: number,
): Promise<NodeJS.ProcessEnv> {
  const file = (name: string): string => join(seen(installation, place), name);
  return {
    ...commonEnvironment(installation, place, namesPort),
    // The script then becomes the Erlang machine instead of watching over it, so that signals reach the broker.
    RABBITMQ_ALLOW_INPUT: '1',
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-noinput',
    RABBITMQ_DIST_PORT: String(await freeOwnPort()),
    RABBITMQ_CONFIG_FILE: file('rabbitmq.conf'),
    RABBITMQ_ADVANCED_CONFIG_FILE: file('advanced.config'),
    RABBITMQ_MNESIA_BASE: file('mnesia'),
    RABBITMQ_LOG_BASE: file('log'),
    RABBITMQ_PID_FILE: file('pid'),
  };
}
