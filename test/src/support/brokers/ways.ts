import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { GenericContainer, Wait } from 'testcontainers';
import type { BrokerKind, MissingBroker, Protocol, RealBroker } from './real-broker.js';

/** A way to a broker: the broker, or in words why it does not work here. */
export type Way = () => Promise<Pick<RealBroker, 'url' | 'how' | 'process' | 'stop'> | string>;

/** Goes by the first way that works. */
export async function byFirstWay(
  kind: BrokerKind,
  protocols: readonly Protocol[],
  ways: readonly Way[],
): Promise<RealBroker | MissingBroker> {
  const reasons: string[] = [];
  for (const way of ways) {
    const result = await way();
    if (typeof result !== 'string') return { kind, protocols, ...result };
    reasons.push(result);
  }
  return { kind, missing: reasons.join('; ') };
}

/** The address of a broker that somebody else runs; it must know the users and exchanges that `docs/brokers.md` asks for. */
export function fromEnvironment(variable: string): Way {
  return () => {
    const url = process.env[variable];
    if (url === undefined) return Promise.resolve(`${variable} is not set`);
    return Promise.resolve({ url, how: variable, stop: () => Promise.resolve() });
  };
}

export interface ContainerRecipe {
  readonly image: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly files?: readonly { readonly target: string; readonly content: string }[];
  /** `user:password`. */
  readonly credentials?: string;
  /** A line of its log that tells it is ready; without one, the port answering is enough. */
  readonly ready?: RegExp;
}

export function fromContainer(recipe: ContainerRecipe): Way {
  return async () => {
    if (process.env.IMAGEFACTORY_CONTAINERS !== '1')
      return 'containers are off (set IMAGEFACTORY_CONTAINERS=1)';
    const engine = await promisify(execFile)('docker', ['info'], { timeout: 10_000 }).then(
      () => true,
      () => false,
    );
    if (!engine) return 'no container engine answers (docker info fails)';
    const container = await new GenericContainer(recipe.image)
      .withEnvironment({ ...recipe.environment })
      .withCopyContentToContainer([...(recipe.files ?? [])])
      .withExposedPorts(5672)
      .withWaitStrategy(
        recipe.ready === undefined ? Wait.forListeningPorts() : Wait.forLogMessage(recipe.ready),
      )
      .start();
    const user = recipe.credentials === undefined ? '' : `${recipe.credentials}@`;
    return {
      url: `amqp://${user}${container.getHost()}:${container.getMappedPort(5672)}`,
      how: `container ${recipe.image}`,
      stop: async () => {
        await container.stop();
      },
    };
  };
}
