import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { GenericContainer, Wait } from 'testcontainers';
import { findProgram } from './lane.js';
import { Program } from './program.js';

export interface RunningQpidd {
  readonly url: string;
  /** Which of the ways worked. */
  readonly how: string;
  stop(): Promise<void>;
}

/** A real qpidd by the first way that works, or why none did. */
export async function startQpidd(): Promise<RunningQpidd | { readonly missing: string }> {
  const reasons: string[] = [];
  for (const way of [fromEnvironment, fromContainer, fromBinary]) {
    const result = await way();
    if (typeof result !== 'string') return result;
    reasons.push(result);
  }
  return { missing: reasons.join('; ') };
}

function fromEnvironment(): Promise<RunningQpidd | string> {
  const url = process.env.IMAGEFACTORY_QPIDD_URL;
  return Promise.resolve(
    url === undefined
      ? 'IMAGEFACTORY_QPIDD_URL is not set'
      : { url, how: 'IMAGEFACTORY_QPIDD_URL', stop: () => Promise.resolve() },
  );
}

async function fromContainer(): Promise<RunningQpidd | string> {
  if (process.env.IMAGEFACTORY_CONTAINERS !== '1')
    return 'containers are off (set IMAGEFACTORY_CONTAINERS=1)';
  const engine = await promisify(execFile)('docker', ['info'], { timeout: 10_000 }).catch((error: unknown) =>
    String(error),
  );
  if (typeof engine === 'string') return 'no container engine answers (docker info fails)';
  const container = await new GenericContainer(process.env.QPID_IMAGE ?? 'scholzj/qpid-cpp:latest')
    .withEnvironment({ QPIDD_CONFIG_OPTIONS: 'auth=no\nload-module=amqp.so' })
    .withExposedPorts(5672)
    .withWaitStrategy(Wait.forListeningPorts())
    .start();
  return {
    url: `amqp://${container.getHost()}:${container.getMappedPort(5672)}`,
    how: 'a container',
    stop: async () => {
      await container.stop();
    },
  };
}

async function fromBinary(): Promise<RunningQpidd | string> {
  const binary = await findProgram('qpidd');
  if (binary === undefined) return 'no qpidd is on the PATH';
  const directory = await mkdtemp(join(tmpdir(), 'qpidd-'));
  const port = await freePort();
  const broker = new Program(binary, [
    '--auth',
    'no',
    '--port',
    String(port),
    '--interface',
    '127.0.0.1',
    '--data-dir',
    directory,
    '--mgmt-pub-interval',
    '2',
  ]);
  await broker.says(/Broker .*running|Listening on/, 10_000);
  return {
    url: `amqp://127.0.0.1:${port}`,
    how: binary,
    stop: async () => {
      await broker.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (typeof address === 'object' && address !== null) resolve(address.port);
        else reject(new Error('no port'));
      });
    });
  });
}
