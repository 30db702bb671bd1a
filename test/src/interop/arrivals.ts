import { transportFor } from '@imagefactory/qmf';
import type { Wire } from '@imagefactory/qmf/wire';
import { AgentProgram } from '../support/agent-program.js';

/** Seconds between the heartbeats of an agent from which none comes by itself while a test runs. */
const ONE_DAY = '86400';

/**
 * Runs an agent whose next regular heartbeat is a day away, and gives the number of consoles that heard one all the same. Waits for ever for
 * an agent that does not notice.
 *
 * @param listen begins to listen for heartbeats, asks for nothing, as C++ and Python consoles without a filter do, and resolves with the first
 */
export async function heartbeatsUponArrival(url: string, listen: () => Promise<void>): Promise<number> {
  const agent = await AgentProgram.start(url, ['--interval', ONE_DAY]);
  try {
    await (await agent.console()).close();
    let heard = 0;
    // The first console may owe its heartbeat to the start of the agent.
    while (heard < 3) {
      await listen();
      heard++;
    }
    return heard;
  } finally {
    await agent.stop();
  }
}

/** Listens as a console of ours would, but for its requests. */
export async function listenAt(url: string): Promise<void> {
  const wire = await transportFor(url).dial(AbortSignal.timeout(60_000));
  await heartbeat(wire);
  await wire.close();
}

function heartbeat(wire: Wire): Promise<void> {
  return new Promise((resolve, reject) => {
    const binding = {
      exchange: 'qmf.default.topic',
      exchangeType: 'topic',
      key: 'agent.#',
      create: false,
    } as const;
    wire
      .bind(binding, ({ headers }) => {
        if (headers.get('qmf.opcode') === '_agent_heartbeat_indication') resolve();
      })
      .catch(reject);
  });
}
