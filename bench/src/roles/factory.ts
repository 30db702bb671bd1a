import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningAgent, startAgent } from '@imagefactory/agent';
import { mockCloud, mockOs } from '@imagefactory/plugin-mock';
import { transportFor } from '@imagefactory/qmf';
import { residentMemory, serve } from '../process/serve.js';
import type { FactoryRole } from './contract.js';

/** The agent as people run it, records and images included; its builds are the mock's, without their pauses. */
class Factory implements FactoryRole {
  #agent: RunningAgent | undefined;
  #directory = '';

  readonly start = async ({ broker }: { readonly broker: string }): Promise<void> => {
    this.#directory = await mkdtemp(join(tmpdir(), 'imagefactory-bench-'));
    this.#agent = await startAgent({
      bus: transportFor(broker, { clientName: 'bench-factory' }),
      plugins: [mockOs({ stepDelay: 0 }), mockCloud({ stepDelay: 0 })],
      imageDirectory: join(this.#directory, 'images'),
      temporaryDirectory: join(this.#directory, 'tmp'),
      maxConcurrent: 4,
      // Fewer than the first tenth of the builds, so that those to come take the places of those that go.
      keepFinishedCount: 200,
    });
    await this.#agent.ready();
  };

  readonly stop = async (): Promise<void> => {
    await this.#agent?.stop();
    await rm(this.#directory, { recursive: true, force: true });
  };

  readonly memory = residentMemory;
}

serve(new Factory());
