import { findProgram } from '../lane.js';
import { Program } from '../program.js';
import { asProcess, ready, type Recipe } from './local-process.js';
import type { MissingBroker, RealBroker } from './real-broker.js';
import { byFirstWay, fromContainer, fromEnvironment } from './ways.js';

/** Apache Qpid C++. It speaks 0-10 and 1.0, no 0-9-1. */
export function startQpidd(): Promise<RealBroker | MissingBroker> {
  return byFirstWay(
    'qpidd',
    ['amqp10'],
    [
      fromEnvironment('IMAGEFACTORY_QPIDD_URL'),
      fromContainer({
        image: process.env.QPID_IMAGE ?? 'scholzj/qpid-cpp:latest',
        environment: { QPIDD_CONFIG_OPTIONS: 'auth=no\nload-module=amqp.so' },
      }),
      asProcess(recipe),
    ],
  );
}

async function recipe(): Promise<Recipe | string> {
  const binary = await findProgram('qpidd');
  if (binary === undefined) return 'no qpidd is on the PATH';
  return {
    how: binary,
    launch: async ({ port, directory }) => {
      const broker = new Program(binary, [
        ...['--auth', 'no', '--port', String(port), '--interface', '127.0.0.1'],
        ...['--data-dir', directory, '--mgmt-pub-interval', '2'],
      ]);
      return ready(broker, /Broker .*running|Listening on/);
    },
  };
}
