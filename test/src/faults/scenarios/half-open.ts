import type { Direction, FaultProxy } from '../../support/fault-proxy.js';
import { until } from '../../support/until.js';
import { allCompleted, later, pause, startBuilds, watchers } from '../helpers.js';
import type { Scenario } from '../scenario.js';
import type { Stage } from '../stage.js';

/** The shortest that both transports have. */
const idleTimeout = 2_000;
const options = (): { idleTimeout: number } => ({ idleTimeout });

function sides(stage: Stage): readonly FaultProxy[] {
  return [stage.agentSide, stage.consoleSide];
}

/** Connections that look open and are not are found by their silence. */
function silent(direction: Direction | 'both', title: string): Scenario {
  return {
    name: `connections are half-open: ${title}`,
    company: 'together',
    options,
    run: async stage => {
      await stage.agent({ stepDelay: 100 });
      const by = await watchers(stage);
      await startBuilds(stage, 3, by);
      const before = sides(stage).map(({ accepted }) => accepted);
      for (const proxy of sides(stage)) proxy.stall(direction);
      // Nobody but us is deaf then: whether a broker notices at all is its own business, so in the end the way is opened again.
      if (direction === 'toBroker') {
        await pause(2 * idleTimeout);
        for (const proxy of sides(stage)) proxy.resume();
      } else {
        await until('both sides have dialled again', () =>
          sides(stage).every(({ accepted }, index) => accepted > (before[index] ?? 0)),
        );
      }
      await stage.order(by.client);
      await allCompleted(stage);
    },
  };
}

export const halfOpen: readonly Scenario[] = [
  {
    name: 'the network is dead for a minute (less in short runs)',
    company: 'together',
    options,
    run: async stage => {
      const agent = await stage.agent({ stepDelay: 100 });
      const by = await watchers(stage);
      await startBuilds(stage, 3, by);
      for (const proxy of sides(stage)) proxy.stall('both', 'all');
      const failed = stage.failedCalls;
      const call = later(stage.order(by.client));
      await pause(Math.max(stage.site.seconds * 1_000, 3 * idleTimeout));
      await until('the agent knows that the bus is gone', () => agent.connection.state !== 'open');
      await until('a call into the silence has failed', () => stage.failedCalls > failed);
      for (const proxy of sides(stage)) {
        proxy.resume();
        proxy.cut(); // what was held back for a minute is nothing that any network would still deliver
      }
      await call;
      await allCompleted(stage);
    },
  },
  silent('both', 'nothing comes or goes'),
  silent('toClient', 'nothing comes'),
  silent('toBroker', 'nothing goes'),
];
