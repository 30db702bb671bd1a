import { FaultProxy } from '../../support/fault-proxy.js';
import { until } from '../../support/until.js';
import { allCompleted, given, later, startBuilds, watchers } from '../helpers.js';
import type { Scenario } from '../scenario.js';
import { placeOf } from '../site.js';
import type { Stage } from '../stage.js';

function ends({ agentSide, consoleSide }: Stage): readonly FaultProxy[] {
  return [agentSide, consoleSide];
}

/** The broker goes away for a while, or for good. */
export const brokerAway: readonly Scenario[] = [
  {
    name: 'the broker is killed during builds and comes back on its port',
    company: 'alone',
    missing: ({ process }) => (process === undefined ? 'its process is not ours' : undefined),
    run: async stage => {
      const broker = given(stage.site.process);
      await stage.agent({ stepDelay: 120 });
      const by = await watchers(stage);
      await startBuilds(stage, 4, by);
      await broker.kill();
      const meanwhile = later(stage.order(by.client));
      await broker.start();
      await meanwhile;
      await allCompleted(stage);
    },
  },
  {
    name: 'the broker goes during builds and comes back on another port',
    company: 'together',
    missing: ({ spare }) => (spare === undefined ? 'there is no second broker' : undefined),
    run: async stage => {
      const { port } = placeOf(given(stage.site.spare));
      await stage.agent();
      const by = await watchers(stage);
      await startBuilds(stage, 4, by);
      for (const proxy of ends(stage)) {
        proxy.retarget(port);
        proxy.cut();
      }
      await stage.order(by.client);
      await allCompleted(stage);
    },
  },
  {
    name: 'the port is closed for a while during builds',
    company: 'together',
    run: async stage => {
      await stage.agent();
      const by = await watchers(stage);
      await startBuilds(stage, 4, by);
      for (const proxy of ends(stage)) {
        proxy.refuse();
        proxy.cut('end');
      }
      await until('both have noticed', () => ends(stage).every(({ connections }) => connections === 0));
      const meanwhile = later(stage.order(by.client));
      for (const proxy of ends(stage)) await proxy.accept();
      await meanwhile;
      await allCompleted(stage);
    },
  },
  {
    name: 'the first of two brokers goes during builds, and later the second',
    company: 'together',
    missing: ({ spare }) => (spare === undefined ? 'there is no second broker' : undefined),
    run: async stage => {
      const spare = given(stage.site.spare);
      const second = await FaultProxy.start(placeOf(spare));
      stage.onEnd(() => second.stop());
      // Two brokers know nothing of each other: a side that found the first one slow and went to the second would be alone there.
      second.refuse();
      const list = (proxy: FaultProxy, name: string) => [
        stage.transport(proxy, name),
        stage.transport(second, name, spare),
      ];
      await stage.agent({ bus: list(stage.agentSide, 'agent') });
      const by = {
        client: await stage.console(list(stage.consoleSide, 'console')),
        observer: await stage.console(list(stage.consoleSide, 'console')),
      };
      await startBuilds(stage, 4, by);
      for (const proxy of ends(stage)) proxy.refuse();
      await second.accept();
      for (const proxy of ends(stage)) proxy.cut();
      await startBuilds(stage, 2, by);
      await until('all three are at the second broker', () => second.connections === 3);
      second.refuse();
      for (const proxy of ends(stage)) await proxy.accept();
      second.cut();
      await stage.order(by.client);
      await allCompleted(stage);
    },
  },
];
