import { expect } from 'chai';
import { until } from '../../support/until.js';
import { allCompleted, given, pause, startBuilds, watchers } from '../helpers.js';
import type { Scenario } from '../scenario.js';

/** The broker is there and takes nothing. */
export const flow: readonly Scenario[] = [
  {
    name: 'the broker blocks publishers for a while during builds',
    company: 'alone',
    missing: ({ flow: flowSwitch, kind, protocol }) => {
      if (flowSwitch === undefined) return 'there is no way to make it';
      // Measured with 3.10: with the memory alarm on, messages of 1.0 are taken as ever.
      return kind === 'rabbitmq' && protocol === 'amqp10'
        ? 'RabbitMQ 3 holds nobody back who speaks 1.0'
        : undefined;
    },
    options: () => ({ patience: 60_000 }),
    run: async stage => {
      const broker = given(stage.site.flow);
      const agent = await stage.agent({ stepDelay: 100 });
      const by = await watchers(stage);
      await startBuilds(stage, 3, by);
      await broker.block();
      stage.onEnd(() => broker.unblock());
      const call = stage.order(by.client);
      // The builds end although nothing can be told of it.
      await until('events wait', () => waiting(agent.connection.statistics) > 0);
      await pause(2_000);
      expect(stage.watches.filter(({ over }) => over)).to.deep.equal([]);
      await broker.unblock();
      await call;
      await allCompleted(stage);
      await until('nothing waits any more', () => waiting(agent.connection.statistics) === 0);
    },
  },
];

function waiting({ waiting, underWay }: { readonly waiting: number; readonly underWay: number }): number {
  return waiting + underWay;
}
