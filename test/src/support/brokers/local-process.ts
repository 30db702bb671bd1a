import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../free-port.js';
import type { Program } from '../program.js';
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
  /** Starts it and returns as soon as it listens. Called again, with the same place, for a restart. */
  launch(place: Place): Promise<Program>;
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

/** A broker of our own in a temporary directory, on a free port of the loopback interface. */
export function asProcess(recipe: () => Promise<Recipe | string>): Way {
  return async () => {
    const found = await recipe();
    if (typeof found === 'string') return found;
    const place: Place = {
      port: await freePort(),
      directory: await mkdtemp(join(tmpdir(), 'imagefactory-broker-')),
    };
    const removeFiles = async (): Promise<void> => {
      await found.cleanUp?.(place);
      await rm(place.directory, { recursive: true, force: true });
    };
    let program: Program;
    try {
      program = await found.launch(place);
    } catch (error) {
      await removeFiles();
      return `${found.how} did not start: ${error instanceof Error ? error.message : String(error)}`;
    }
    const user = found.credentials === undefined ? '' : `${found.credentials}@`;
    return {
      url: `amqp://${user}127.0.0.1:${place.port}`,
      how: found.how,
      process: {
        kill: async () => {
          program.kill('SIGKILL');
          await program.exited;
        },
        stop: async () => {
          await program.stop();
        },
        start: async () => {
          program = await found.launch(place);
        },
      },
      stop: async () => {
        await program.stop();
        await removeFiles();
      },
    };
  };
}
