import { join } from 'node:path';
import type { MockOptions } from '@imagefactory/plugin-mock';
import { Program } from '../support/program.js';

const script = join(import.meta.dirname, 'agent-program.js');

/** An agent that can be killed. */
export class AgentChild {
  readonly #program: Program;

  /** Makes the process ready: it loads its code, and waits for {@link start}. */
  constructor(place: { readonly broker: string; readonly directory: string; readonly mock: MockOptions }) {
    const { stepDelay = 0, resumable = false } = place.mock;
    this.#program = new Program(
      script,
      [place.broker, place.directory, String(stepDelay), ...(resumable ? ['resumable'] : [])],
      { group: true },
    );
  }

  /** Resolves when the agent is on the bus. */
  async start(): Promise<void> {
    this.#program.say('start\n');
    await this.#program.says(/^ready$/m, 60_000);
  }

  /** Ends it as a power cut would; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#program.kill('SIGKILL');
    await this.#program.exited;
  }

  async stop(): Promise<void> {
    await this.#program.stop();
  }
}
