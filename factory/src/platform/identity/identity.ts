import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { v4 as uuidv4, validate as isUuid } from 'uuid';
import { writeAtomically } from '../files/atomic-write.js';
import { errorCode } from '../files/error-code.js';
import type { Logger } from '../log/index.js';
import { takeLock } from '../files/lock.js';

/** Who the agent is on the bus. */
export interface Identity {
  /** Third part of the agent's name, a uuid; the same after a restart. */
  readonly instance: string;
  /** Number of this start, from 1. */
  readonly epoch: number;
  /**
   * Takes a new instance for this start and all later ones, since another agent is on the bus under the old one.
   *
   * @returns the new instance
   * @throws what the file system says when it cannot be noted; then the instance is new for this start alone
   */
  renew(): Promise<string>;
  /** Lets another agent be this one. */
  release(): void;
}

interface State {
  readonly instance: string;
  readonly epoch: number;
}

const largestEpoch = 0xffff_ffff;

/**
 * Reads who the agent is from `agent.json` in its directory, counts this start, and keeps others from being the same one.
 *
 * @throws Error when another agent runs on that directory, with its process, and what the file system says
 */
export async function assumeIdentity(directory: string, log: Logger): Promise<Identity> {
  const path = join(directory, 'agent.json');
  const locked = await takeLock(join(directory, 'agent.lock'));
  if (locked.kind === 'taken') {
    throw new Error(
      `${directory} is in use by another agent (${locked.by}): stop that one, or choose another directory with --imgdir`,
    );
  }
  try {
    const before = await readState(path, log);
    // The next start after the last possible one is that of another agent.
    const state: State =
      before === undefined || before.epoch >= largestEpoch
        ? newcomer()
        : { instance: before.instance, epoch: before.epoch + 1 };
    await writeState(path, state);
    return new OwnIdentity(state, path, () => locked.lock.release());
  } catch (error) {
    locked.lock.release();
    throw error;
  }
}

class OwnIdentity implements Identity {
  #instance: string;
  readonly epoch: number;

  /** @param path where the state is kept */
  constructor(
    { instance, epoch }: State,
    private readonly path: string,
    readonly release: () => void,
  ) {
    this.#instance = instance;
    this.epoch = epoch;
  }

  get instance(): string {
    return this.#instance;
  }

  async renew(): Promise<string> {
    this.#instance = uuidv4();
    const { instance, epoch, path } = this;
    // The epoch goes on: builds of this start have it in their addresses.
    await writeState(path, { instance, epoch });
    return instance;
  }
}

function writeState(path: string, state: State): Promise<void> {
  return writeAtomically(path, `${JSON.stringify(state)}\n`);
}

function newcomer(): State {
  return { instance: uuidv4(), epoch: 1 };
}

async function readState(path: string, log: Logger): Promise<State | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  const state = stateOf(text);
  if (state === undefined) {
    log.warn(
      `${path} cannot be read as the agent's state and is replaced: the agent has a new name from now on`,
    );
  }
  return state;
}

function stateOf(text: string): State | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !('instance' in value) || !('epoch' in value))
    return undefined;
  const { instance, epoch } = value;
  if (typeof instance !== 'string' || !isUuid(instance)) return undefined;
  if (typeof epoch !== 'number' || !Number.isInteger(epoch) || epoch < 1) return undefined;
  return { instance, epoch };
}
