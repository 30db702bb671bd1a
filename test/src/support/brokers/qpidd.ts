import { access, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findProgram } from '../lane.js';
import { Program } from '../program.js';
import { asProcess, ready, type Recipe } from './local-process.js';
import type { MissingBroker, RealBroker } from './real-broker.js';
import { byFirstWay, fromContainer, fromEnvironment } from './ways.js';

/**
 * Apache Qpid C++. It speaks 0-10 and 1.0, no 0-9-1.
 *
 * @param options for the local process, as `--acl-file FILE`
 */
export function startQpidd(options: readonly string[] = []): Promise<RealBroker | MissingBroker> {
  return byFirstWay(
    'qpidd',
    ['amqp10'],
    [
      ...(options.length > 0
        ? []
        : [
            fromEnvironment('IMAGEFACTORY_QPIDD_URL'),
            fromContainer({
              image: process.env.QPID_IMAGE ?? 'scholzj/qpid-cpp:latest',
              environment: { QPIDD_CONFIG_OPTIONS: 'auth=no\nload-module=amqp.so' },
            }),
          ]),
      asProcess(() => recipe(options)),
    ],
  );
}

async function recipe(options: readonly string[]): Promise<Recipe | string> {
  const binary = process.env.IMAGEFACTORY_QPIDD ?? (await findProgram('qpidd'));
  if (binary === undefined) return 'no qpidd is on the PATH, and none is named in IMAGEFACTORY_QPIDD';
  const prefix = dirname(dirname(binary));
  const modules = join(prefix, 'lib/qpid/daemon');
  const ownModules = await access(modules).then(
    () => true,
    () => false,
  );
  return {
    how: binary,
    launch: async ({ port, directory }) => {
      const config = join(directory, 'qpidd.conf');
      await writeFile(config, '# nothing\n'); // instead of the machine's
      const broker = new Program(
        binary,
        [
          ...['--config', config, '--port', String(port), '--interface', '127.0.0.1'],
          ...['--no-data-dir', '--pid-dir', directory, '--paging-dir', directory],
          ...['--log-to-stderr', 'yes', '--mgmt-pub-interval', '2'],
          ...(ownModules ? ['--module-dir', modules] : []),
          ...(options.includes('--auth') ? [] : ['--auth', 'no']),
          ...options,
        ],
        {
          group: true,
          env: ownModules
            ? { LD_LIBRARY_PATH: [join(prefix, 'lib'), process.env.LD_LIBRARY_PATH ?? ''].join(':') }
            : {},
        },
      );
      return ready(broker, /Broker .*running|Listening on/);
    },
  };
}
