import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram } from '../lane.js';
import { fromDebian } from './debian-tree.js';
import { asProcess, type Recipe } from './local-process.js';
import { type RabbitMqInstallation, rabbitMqRecipe } from './rabbitmq-process.js';
import type { MissingBroker, RealBroker } from './real-broker.js';
import { byFirstWay, fromContainer, fromEnvironment } from './ways.js';

const credentials = 'guest:guest';
/** The user `guest` of a fresh broker may come from elsewhere than the loopback interface, which a container's port is. */
const fromAnywhere = { target: '/etc/rabbitmq/conf.d/99-tests.conf', content: 'loopback_users = none\n' };
const withAmqp10 = ['rabbitmq_amqp1_0'];
/** Version 4 announces bindings, and version 3 does not: agents have to work at both. */
const withEvents = ['rabbitmq_event_exchange'];
const enabled = (plugins: readonly string[]): { readonly target: string; readonly content: string } => ({
  target: '/etc/rabbitmq/enabled_plugins',
  content: `[${plugins.join(',')}].\n`,
});

/** RabbitMQ 3 with its plugin for AMQP 1.0. */
export function startRabbitMq(): Promise<RealBroker | MissingBroker> {
  return byFirstWay(
    'rabbitmq',
    ['amqp10', 'amqp091'],
    [
      fromEnvironment('IMAGEFACTORY_RABBITMQ_URL'),
      fromContainer({
        image: process.env.RABBITMQ_IMAGE ?? 'rabbitmq:3.13',
        files: [enabled(withAmqp10), fromAnywhere],
        credentials,
        ready: /Server startup complete/,
      }),
      asProcess(installed),
    ],
  );
}

/** RabbitMQ 4, which speaks AMQP 1.0 by itself. */
export function startRabbitMq4(): Promise<RealBroker | MissingBroker> {
  return byFirstWay(
    'rabbitmq4',
    ['amqp10', 'amqp091'],
    [
      fromEnvironment('IMAGEFACTORY_RABBITMQ4_URL'),
      fromContainer({
        image: process.env.RABBITMQ4_IMAGE ?? 'rabbitmq:4',
        files: [enabled(withEvents), fromAnywhere],
        credentials,
        ready: /Server startup complete/,
      }),
      asProcess(inDebian13),
    ],
  );
}

/** Debian's wrappers on the PATH change to the user `rabbitmq` and its fixed directories; these are the scripts behind them. */
const DEBIAN_SCRIPTS = '/usr/lib/rabbitmq/bin';

async function installed(): Promise<Recipe | string> {
  const found = await installedRabbitMq();
  return typeof found === 'string' ? found : rabbitMqRecipe(found);
}

/** The RabbitMQ of this machine, or why there is none. */
export async function installedRabbitMq(): Promise<RabbitMqInstallation | string> {
  const server = await access(join(DEBIAN_SCRIPTS, 'rabbitmq-server')).then(
    () => join(DEBIAN_SCRIPTS, 'rabbitmq-server'),
    () => findProgram('rabbitmq-server'),
  );
  const epmd = await findProgram('epmd');
  if (server === undefined || epmd === undefined)
    return 'no rabbitmq-server with epmd is installed (Debian: apt-get install --no-install-recommends rabbitmq-server)';
  return { how: server, scripts: server.replace(/\/[^/]*$/, ''), epmd, plugins: withAmqp10 };
}

async function inDebian13(): Promise<Recipe | string> {
  const tree = await fromDebian('trixie', 'rabbitmq-server');
  if (typeof tree !== 'string') return tree.missing;
  const installation: RabbitMqInstallation = {
    how: 'rabbitmq-server of Debian 13, unpacked',
    scripts: DEBIAN_SCRIPTS,
    epmd: '/usr/bin/epmd',
    plugins: withEvents,
    tree,
  };
  return rabbitMqRecipe(installation);
}
