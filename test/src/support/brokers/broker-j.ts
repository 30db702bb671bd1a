import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Program } from '../program.js';
import { asProcess, ready, type Recipe } from './local-process.js';
import { fromMaven } from './maven.js';
import type { MissingBroker, RealBroker } from './real-broker.js';
import { byFirstWay, fromEnvironment } from './ways.js';

/** A configuration in other words than the one for tests. */
export interface BrokerJConfiguration {
  /** As JSON, with port 5672 where a free one is to stand. */
  readonly config: string;
  /** More files beside it, by name. */
  readonly files: Readonly<Record<string, string>>;
}

/** Apache Qpid Broker-J with everything in memory. */
export function startBrokerJ(own?: BrokerJConfiguration): Promise<RealBroker | MissingBroker> {
  return byFirstWay(
    'broker-j',
    ['amqp10', 'amqp091'],
    own !== undefined
      ? [
          asProcess(() =>
            brokerJRecipe(
              port => JSON.parse(own.config.replace('5672', String(port))) as object, // checked by the broker
              own.files,
            ),
          ),
        ]
      : [
          fromEnvironment('IMAGEFACTORY_BROKER_J_URL'),
          () => Promise.resolve('no container image is published by the project'),
          asProcess(() => brokerJRecipe(configuration)),
        ],
  );
}

/**
 * Runs Broker-J with a configuration for the port that it gets.
 *
 * @param files more files in its directory, by name
 */
export async function brokerJRecipe(
  configure: (port: number) => object,
  files: Readonly<Record<string, string>> = {},
): Promise<Recipe | string> {
  const found = await fromMaven('broker-j');
  if (typeof found === 'string') return found;
  return {
    how: found.what,
    credentials: 'guest:guest',
    launch: async ({ port, directory }) => {
      const work = join(directory, 'work');
      const config = join(directory, 'config.json');
      await rm(work, { recursive: true, force: true });
      await writeFile(config, JSON.stringify(configure(port), undefined, 2));
      for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
      const broker = new Program(
        found.java,
        [
          ...['-Xmx384m', '-cp', found.classPath, 'org.apache.qpid.server.Main'],
          ...['-st', 'Memory', '-icp', config, '-prop', `qpid.work_dir=${work}`],
        ],
        { group: true, cwd: directory },
      );
      return ready(broker, /BRK-1004/);
    },
  };
}

/** One port without TLS, and the user `guest`. */
export function configuration(port: number) {
  return {
    name: 'imagefactory-tests',
    modelVersion: '9.0',
    authenticationproviders: [
      {
        name: 'plain',
        type: 'Plain',
        secureOnlyMechanisms: [],
        users: [{ name: 'guest', type: 'managed', password: 'guest' }],
      },
    ],
    ports: [
      {
        name: 'AMQP',
        port: String(port),
        bindingAddress: '127.0.0.1',
        authenticationProvider: 'plain',
        virtualhostaliases: [
          { name: 'defaultAlias', type: 'defaultAlias' },
          { name: 'nameAlias', type: 'nameAlias' },
          { name: 'hostnameAlias', type: 'hostnameAlias' },
        ],
      },
    ],
    virtualhostnodes: [
      {
        name: 'default',
        type: 'Memory',
        defaultVirtualHostNode: true,
        virtualHostInitialConfiguration: JSON.stringify({ type: 'Memory' }),
      },
    ],
  };
}
