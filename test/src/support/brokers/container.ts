import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { GenericContainer, Wait } from 'testcontainers';

/** The port that brokers listen on inside their containers. */
const AMQP_PORT = 5672;

/** A container that a broker runs in. */
export interface ContainerRecipe {
  readonly image: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly files?: readonly { readonly target: string; readonly content: string }[];
  /** `user:password`. */
  readonly credentials?: string;
  /** A line of its log that tells it is ready; without one, the port answering is enough. */
  readonly ready?: RegExp;
}

export interface RunningContainer {
  readonly host: string;
  readonly port: number;
  stop(): Promise<void>;
}

export interface ContainerEngine {
  /** Why there is none, in words; asked once. */
  missing(): Promise<string | undefined>;
  start(recipe: ContainerRecipe): Promise<RunningContainer>;
}

let probed: Promise<string | undefined> | undefined;

/** Docker, or what answers in its place; the library removes its containers also when this process dies. */
export const docker: ContainerEngine = {
  missing: () => (probed ??= probe()),
  start: async recipe => {
    const started = await containerFor(recipe).start();
    return {
      host: started.getHost(),
      port: started.getMappedPort(AMQP_PORT),
      stop: async () => {
        await started.stop();
      },
    };
  },
};

function probe(): Promise<string | undefined> {
  return promisify(execFile)('docker', ['info'], { timeout: 10_000 }).then(
    () => undefined,
    () => 'no container engine answers (docker info fails)',
  );
}

export function containerFor({ image, environment, files, ready }: ContainerRecipe): GenericContainer {
  return new GenericContainer(image)
    .withEnvironment({ ...environment })
    .withCopyContentToContainer([...(files ?? [])])
    .withExposedPorts(AMQP_PORT)
    .withWaitStrategy(ready === undefined ? Wait.forListeningPorts() : Wait.forLogMessage(ready));
}
