import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../free-port.js';
import { findProgram } from '../lane.js';
import { Program } from '../program.js';
import { asProcess, type Place, ready, type Recipe } from './local-process.js';
import type { MissingBroker, RealBroker } from './real-broker.js';
import { byFirstWay, fromContainer, fromEnvironment } from './ways.js';

const enabledPlugins = '[rabbitmq_amqp1_0].\n';
const credentials = 'guest:guest';

/** RabbitMQ 3 with its plugin for AMQP 1.0. */
export function startRabbitMq(): Promise<RealBroker | MissingBroker> {
  return byFirstWay(
    'rabbitmq',
    ['amqp10', 'amqp091'],
    [
      fromEnvironment('IMAGEFACTORY_RABBITMQ_URL'),
      fromContainer({
        image: process.env.RABBITMQ_IMAGE ?? 'rabbitmq:3.13',
        files: [
          { target: '/etc/rabbitmq/enabled_plugins', content: enabledPlugins },
          { target: '/etc/rabbitmq/conf.d/99-tests.conf', content: 'loopback_users = none\n' },
        ],
        credentials,
        ready: /Server startup complete/,
      }),
      asProcess(recipe),
    ],
  );
}

/** RabbitMQ 4, which speaks AMQP 1.0 by itself. Debian has none, so there is no local way. */
export function startRabbitMq4(): Promise<RealBroker | MissingBroker> {
  return byFirstWay(
    'rabbitmq4',
    ['amqp10', 'amqp091'],
    [
      fromEnvironment('IMAGEFACTORY_RABBITMQ4_URL'),
      fromContainer({
        image: process.env.RABBITMQ4_IMAGE ?? 'rabbitmq:4',
        files: [{ target: '/etc/rabbitmq/conf.d/99-tests.conf', content: 'loopback_users = none\n' }],
        credentials,
        ready: /Server startup complete/,
      }),
    ],
  );
}

/** Debian's wrapper on the PATH changes to the user `rabbitmq` and its fixed directories; this is the script behind it. */
const DEBIAN_SCRIPT = '/usr/lib/rabbitmq/bin/rabbitmq-server';

async function recipe(): Promise<Recipe | string> {
  const script = await access(DEBIAN_SCRIPT).then(
    () => DEBIAN_SCRIPT,
    () => findProgram('rabbitmq-server'),
  );
  const epmdBinary = await findProgram('epmd');
  if (script === undefined || epmdBinary === undefined)
    return 'no rabbitmq-server with epmd is installed (Debian: apt-get install --no-install-recommends rabbitmq-server)';
  const nameServers = new Map<string, { readonly program: Program; readonly port: number }>();
  return {
    how: script,
    credentials,
    launch: async place => {
      // Erlang's name server outlives the nodes that start it; one of our own can be stopped with the broker.
      let names = nameServers.get(place.directory);
      if (names === undefined) {
        const port = await freePort();
        names = { port, program: new Program(epmdBinary, ['-port', String(port), '-address', '127.0.0.1']) };
        nameServers.set(place.directory, names);
      }
      return launch(script, place, names.port);
    },
    cleanUp: async ({ directory }) => {
      await nameServers.get(directory)?.program.stop();
    },
  };
}

async function launch(script: string, { port, directory }: Place, namesPort: number): Promise<Program> {
  const file = (name: string): string => join(directory, name);
  await mkdir(file('log'), { recursive: true });
  await writeFile(file('enabled_plugins'), enabledPlugins);
  await writeFile(file('env.conf'), '');
  await writeFile(
    file('rabbitmq.conf'),
    [
      `listeners.tcp.1 = 127.0.0.1:${port}`,
      'log.file = false',
      'log.console = true',
      'log.console.level = info',
      'loopback_users = none',
      '',
    ].join('\n'),
  );
  const broker = new Program(script, [], {
    env: {
      HOME: directory, // for Erlang's cookie
      ERL_EPMD_PORT: String(namesPort),
      // The script then becomes the Erlang machine instead of watching over it, so that signals reach the broker.
      RABBITMQ_ALLOW_INPUT: '1',
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-noinput',
      RABBITMQ_NODENAME: `imagefactory-${port}@localhost`,
      RABBITMQ_DIST_PORT: String(await freePort()),
      RABBITMQ_CONF_ENV_FILE: file('env.conf'),
      RABBITMQ_CONFIG_FILE: file('rabbitmq.conf'),
      RABBITMQ_ADVANCED_CONFIG_FILE: file('advanced.config'),
      RABBITMQ_ENABLED_PLUGINS_FILE: file('enabled_plugins'),
      RABBITMQ_MNESIA_BASE: file('mnesia'),
      RABBITMQ_LOG_BASE: file('log'),
      RABBITMQ_PID_FILE: file('pid'),
    },
  });
  return ready(broker, /Server startup complete/);
}
