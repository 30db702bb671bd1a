import type { Direction, FaultProxy } from '../../support/fault-proxy.js';
import { until } from '../../support/until.js';
import { allCompleted, type Watchers, watchers } from '../helpers.js';
import type { Scenario } from '../scenario.js';
import type { Stage } from '../stage.js';

const directions: readonly Direction[] = ['toBroker', 'toClient'];

/** The first bytes of a connection, and then ever wider steps. */
const handshakeOffsets = [1, 7, 8, 9, 17, 40, 100, 180, 260, 350, 500, 700];

interface Builders {
  /** Resolves when one more build has been ordered: whatever is cut, some calls must get through. */
  progress(): Promise<void>;
  stop(): Promise<void>;
}

/** Keeps builds under way until told to stop, so that there is always something to cut. */
function keepBuilding(stage: Stage, by: Watchers): Builders {
  let stopped = false;
  let ordered = 0;
  const work = async (): Promise<void> => {
    while (!stopped) {
      const { build, ended } = await stage.order(by.client);
      ordered++;
      await stage.follow(by.observer, build.address);
      await ended;
    }
  };
  const workers = Promise.all([work(), work(), work()]);
  workers.catch(() => undefined); // told when they are stopped
  // Asks who is there: a few bytes each way on both sides, also while all builds wait for something that a cut has taken.
  const chatter = setInterval(() => by.client.session.setAgentFilter(undefined), 20);
  return {
    progress: () => {
      const before = ordered;
      return Promise.race([
        until('a build is ordered', () => ordered > before, stage.patience),
        workers.then(() => undefined),
      ]);
    },
    stop: async () => {
      clearInterval(chatter);
      stopped = true;
      await workers;
    },
  };
}

async function cutAt(proxy: FaultProxy, direction: Direction, offset: number): Promise<void> {
  const { accepted } = proxy;
  await proxy.cutAfter(direction, offset, offset % 2 === 0 ? 'reset' : 'end');
  await until('it dials again', () => proxy.accepted > accepted);
}

function sides(stage: Stage): readonly FaultProxy[] {
  return [stage.agentSide, stage.consoleSide];
}

/** Connections end in the middle of a word. */
export const cuts: readonly Scenario[] = [
  {
    name: 'connections are cut in the middle of frames, at many offsets, during builds',
    company: 'together',
    run: async stage => {
      await stage.agent({ stepDelay: 10 });
      const by = await watchers(stage);
      const builders = keepBuilding(stage, by);
      const count = stage.site.long ? 24 : 8;
      for (let round = 0; round < count; round++) {
        // Odd steps, so that over all rounds no part of a frame is spared.
        for (const proxy of sides(stage))
          for (const direction of directions) await cutAt(proxy, direction, 1 + round * 67);
        await builders.progress();
      }
      await builders.stop();
      await allCompleted(stage);
    },
  },
  {
    name: 'connections are cut at many offsets while they open',
    company: 'together',
    run: async stage => {
      await stage.agent({ stepDelay: 10 });
      const by = await watchers(stage);
      const builders = keepBuilding(stage, by);
      for (const offset of stage.site.long
        ? handshakeOffsets
        : handshakeOffsets.filter((_, at) => at % 2 === 0)) {
        for (const proxy of sides(stage))
          for (const direction of directions) {
            proxy.cut();
            await cutAt(proxy, direction, offset);
          }
        await builders.progress();
      }
      await builders.stop();
      await allCompleted(stage);
    },
  },
  {
    name: 'the network is slow and narrow',
    company: 'together',
    run: async stage => {
      for (const proxy of sides(stage)) {
        proxy.delay(30);
        proxy.limitRate(100_000);
      }
      await stage.agent();
      const by = await watchers(stage);
      await Promise.all([stage.order(by.client), stage.order(by.client)]);
      await allCompleted(stage);
    },
  },
];
