import { type ContainerEngine, type ContainerRecipe, docker } from './container.js';
import type { BrokerKind, MissingBroker, Protocol, RealBroker } from './real-broker.js';

/** A way to a broker: the broker, or in words why it does not work here. */
export type Way = () => Promise<Pick<RealBroker, 'url' | 'how' | 'process' | 'tool' | 'stop'> | string>;

/** Goes by the first way that works. */
export async function byFirstWay(
  kind: BrokerKind,
  protocols: readonly Protocol[],
  ways: readonly Way[],
): Promise<RealBroker | MissingBroker> {
  const reasons: string[] = [];
  for (const way of ways) {
    const result = await way();
    if (typeof result === 'string') {
      reasons.push(result);
      continue;
    }
    const others = reasons.length === 0 ? '' : ` (${reasons.join('; ')})`;
    return { kind, protocols, ...result, how: `${result.how}${others}` };
  }
  return { kind, missing: reasons.join('; ') };
}

/** The address of a broker that somebody else runs; it must know the users and exchanges that `docs/brokers.md` asks for. */
export function fromEnvironment(variable: string): Way {
  return () => {
    const url = process.env[variable];
    if (url === undefined || url === '') return Promise.resolve(`${variable} is not set`);
    return Promise.resolve({ url, how: variable, stop: () => Promise.resolve() });
  };
}

/** A container of an image, where there is an engine; `IMAGEFACTORY_CONTAINERS=0` does without. */
export function fromContainer(recipe: ContainerRecipe, engine: ContainerEngine = docker): Way {
  return async () => {
    if (process.env.IMAGEFACTORY_CONTAINERS === '0') return 'IMAGEFACTORY_CONTAINERS is 0';
    const missing = await engine.missing();
    if (missing !== undefined) return missing;
    try {
      const container = await engine.start(recipe);
      const { host, port } = container;
      const user = recipe.credentials === undefined ? '' : `${recipe.credentials}@`;
      return {
        url: `amqp://${user}${host}:${port}`,
        how: `container ${recipe.image}`,
        stop: () => container.stop(),
      };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return `container ${recipe.image} did not start: ${why}`;
    }
  };
}
