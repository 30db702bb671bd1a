import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freeOwnPort } from '../own-port.js';
import type { Program } from '../program.js';
import type { BrokerTool } from './real-broker.js';
import type { Way } from './ways.js';

/** Where a local broker may put its files and listen. */
export interface Place {
  readonly port: number;
  readonly directory: string;
}

/** How to run a broker as a child process. */
export interface Recipe {
  /** For people: what is run. */
  readonly how: string;
  /** `user:password`, if it wants some. */
  readonly credentials?: string;
  /** Where its directory must be made; by default the system's place for temporary files. */
  readonly base?: string;
  /** Starts it and returns as soon as it listens. Called again for a restart, with the same directory. */
  launch(place: Place): Promise<Program>;
  /** Its command-line tools, once it runs. */
  tool?(place: Place): BrokerTool;
  /** Stops what else the recipe started at that place. */
  cleanUp?(place: Place): Promise<void>;
}

/** Waits until the broker says that it's ready; one that never does is ended. */
export async function ready(broker: Program, line: RegExp, timeout = 60_000): Promise<Program> {
  try {
    await broker.says(line, timeout);
  } catch (error) {
    broker.kill('SIGKILL');
    await broker.exited;
    throw error;
  }
  return broker;
}

/** Somebody else may take the free port first, so a start that fails is tried again on another. */
const ATTEMPTS = 2;

/** A broker of our own in a temporary directory, on a free port of the loopback interface. */
export function asProcess(recipe: () => Promise<Recipe | string>): Way {
  return async () => {
    const found = await recipe();
    if (typeof found === 'string') return found;
    const directory = await mkdtemp(join(found.base ?? tmpdir(), 'imagefactory-broker-'));
    let place: Place = { port: await freeOwnPort(), directory };
    const removeFiles = async (): Promise<void> => {
      await found.cleanUp?.(place);
      await rm(directory, { recursive: true, force: true });
    };
    const user = found.credentials === undefined ? '' : `${found.credentials}@`;
    const url = (): string => `amqp://${user}127.0.0.1:${place.port}`;
    let program: Program | undefined;
    for (let attempt = 1; program === undefined; attempt++) {
      try {
        program = await found.launch(place);
      } catch (error) {
        if (attempt === ATTEMPTS) {
          await removeFiles();
          return `${found.how} did not start: ${error instanceof Error ? error.message : String(error)}`;
        }
        place = { port: await freeOwnPort(), directory };
      }
    }
    let running = program;
    return {
      url: url(),
      how: found.how,
      ...(found.tool === undefined ? {} : { tool: found.tool(place) }),
      process: {
        kill: async () => {
          running.kill('SIGKILL');
          await running.exited;
        },
        stop: async () => {
          await running.stop();
        },
        start: async (port = place.port) => {
          place = { port, directory };
          running = await found.launch(place);
          return url();
        },
      },
      stop: async () => {
        await running.stop();
        await removeFiles();
      },
    };
  };
}
