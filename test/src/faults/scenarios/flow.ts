import { expect } from 'chai';
import { until } from '../../support/until.js';
import { allCompleted, given, later, startBuilds, watchers } from '../helpers.js';
import type { Scenario } from '../scenario.js';

/** The broker is there and takes nothing. */
export const flow: readonly Scenario[] = [
  {
    name: 'the broker blocks publishers for a while during builds',
    company: 'alone',
    missing: ({ flow: flowSwitch, kind, protocol }) => {
      if (flowSwitch === undefined) return 'there is no way to make it';
      // Measured with 3.10: with an alarm on, messages of 1.0 are taken as ever.
      return kind === 'rabbitmq' && protocol === 'amqp10'
        ? 'RabbitMQ 3 holds nobody back who speaks 1.0'
        : undefined;
    },
    run: async stage => {
      const broker = given(stage.site.flow);
      let open: () => void = () => undefined;
      const gate = new Promise<void>(resolve => (open = resolve));
      const agent = await stage.agent({ gate });
      const by = await watchers(stage);
      await startBuilds(stage, 3, by);
      stage.onEnd(() => broker.unblock());
      await broker.block();
      const call = later(stage.order(by.client));
      open();
      // The builds come to their ends although nothing can be told of it.
      await until('events wait', () => waiting(agent.connection.statistics) >= 30);
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
