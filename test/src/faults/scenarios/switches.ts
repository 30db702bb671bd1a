import { addressFromPlain, asTyped } from '@imagefactory/qmf';
import type { BrokerOptions, FaultSwitches, RunningBroker, SaidError } from '@imagefactory/qmf/broker';
import { BuildAdaptorStatusEvent } from '@imagefactory/schema';
import { expect } from 'chai';
import { until } from '../../support/until.js';
import type { BuildWatch } from '../build-watch.js';
import { allCompleted, later, pause, startBuilds, watchers } from '../helpers.js';
import { startLoad } from '../load/load-process.js';
import type { Scenario } from '../scenario.js';
import type { Stage } from '../stage.js';

/** What only a broker does that can be told to. */
export interface SwitchScenario extends Scenario {
  readonly broker?: BrokerOptions;
}

const events = { subject: 'agent.ind.event.#' };

/** Every error condition of AMQP 1.0 (part 2 §2.8.15-18, part 3 §3.5), one of a vendor's, and none. */
const conditions: readonly (string | undefined)[] = [
  'amqp:internal-error',
  'amqp:not-found',
  'amqp:unauthorized-access',
  'amqp:decode-error',
  'amqp:resource-limit-exceeded',
  'amqp:not-allowed',
  'amqp:invalid-field',
  'amqp:not-implemented',
  'amqp:resource-locked',
  'amqp:precondition-failed',
  'amqp:resource-deleted',
  'amqp:illegal-state',
  'amqp:frame-size-too-small',
  'amqp:connection:forced',
  'amqp:connection:framing-error',
  'amqp:connection:redirect',
  'amqp:session:window-violation',
  'amqp:session:errant-link',
  'amqp:session:handle-in-use',
  'amqp:session:unattached-handle',
  'amqp:link:detach-forced',
  'amqp:link:transfer-limit-exceeded',
  'amqp:link:message-size-exceeded',
  'amqp:link:redirect',
  'amqp:link:stolen',
  'example:out-of-coffee',
  undefined,
];

function said(condition: string | undefined): SaidError | undefined {
  return condition === undefined ? undefined : { condition, description: 'as the test wants it' };
}

/** Ends something again and again while builds run, once with each condition. */
function ending(
  what: string,
  end: (faults: FaultSwitches, error: SaidError | undefined) => void,
): SwitchScenario {
  return {
    name: `the broker ends ${what} with each error condition during builds`,
    company: 'together',
    options: () => ({ silence: 1_000 }),
    run: async stage => {
      const { faults } = brokerOf(stage);
      await stage.agent({ stepDelay: 250 });
      const by = await watchers(stage);
      await startBuilds(stage, 3, by);
      for (const condition of conditions) {
        end(faults, said(condition));
        await pause(50);
      }
      faults.clear();
      await stage.order(by.client);
      await allCompleted(stage);
    },
  };
}

function brokerOf(stage: Stage): RunningBroker {
  if (stage.site.embedded === undefined) throw new Error('no broker with switches is here');
  return stage.site.embedded();
}

/** Plays builds while rules of the broker hold. */
function under(
  name: string,
  arm: (faults: FaultSwitches) => void,
  check: (stage: Stage, ends: ReadonlyMap<string, number>) => void = () => undefined,
): SwitchScenario {
  return {
    name,
    company: 'together',
    options: () => ({ silence: 1_000 }),
    run: async stage => {
      await stage.agent();
      const by = await watchers(stage);
      const ends = new Map<string, number>();
      by.observer.session.onEvent(event => {
        const status = asTyped(event, BuildAdaptorStatusEvent);
        if (status?.values.new_status !== 'COMPLETED') return;
        const { objectName } = addressFromPlain(status.values.addr);
        ends.set(objectName, (ends.get(objectName) ?? 0) + 1);
      });
      await stage.order(by.client); // all links are there, and nothing was amiss yet
      arm(brokerOf(stage).faults);
      for (const { build } of await Promise.all([1, 2, 3].map(() => stage.order(by.client))))
        await stage.follow(by.observer, build.address);
      await allCompleted(stage);
      check(stage, ends);
    },
  };
}

export const switchScenarios: readonly SwitchScenario[] = [
  ending('links of publishers', (faults, error) => faults.detach(error, { role: 'sender' })),
  ending('links of receivers', (faults, error) => faults.detach(error, { role: 'receiver' })),
  ending('sessions', (faults, error) => faults.endSessions(error)),
  ending('connections', (faults, error) => faults.close(error)),
  ending('links upon an event', (faults, error) => {
    faults.publish({ do: 'detach', ...(error === undefined ? {} : { error }) }, { ...events, times: 1 });
  }),
  ending('links as they are made', (faults, error) => {
    faults.attach({ do: 'refuse', error: error ?? { condition: 'amqp:not-found' } }, { times: 1 });
    faults.close();
  }),
  under('the broker does not take some events now', faults => {
    faults.publish('release', { ...events, skip: 3, times: 5 });
    faults.publish('modify', { ...events, skip: 20, times: 5 });
  }),
  under('the broker refuses some events for good', faults => {
    faults.publish('reject', { ...events, skip: 3, times: 10 });
  }),
  under('the broker takes all events and passes none on', faults => {
    faults.publish('drop', events);
  }),
  under('some answers are lost', faults => {
    faults.deliver('drop', { subject: 'direct-console.#', times: 4 });
  }),
  under(
    'events and answers come four times',
    faults => {
      // No requests: an agent cannot tell one that comes twice from two.
      for (const match of [events, { subject: 'direct-console.#' }]) {
        faults.publish('duplicate', match);
        faults.deliver('duplicate', match);
      }
    },
    // Builds of which no answer came in time are there as well; none of any is told twice.
    (stage, ends) => {
      expect(
        [...ends.values()].filter(count => count !== 1),
        'ends that a listener heard again',
      ).to.deep.equal([]);
      expect([...ends.keys()]).to.include.members(stage.watches.map(({ build }) => build.name));
    },
  ),
  {
    name: 'the broker says nothing of some events, and then breaks',
    company: 'together',
    options: () => ({ silence: 1_000 }),
    run: async stage => {
      const broker = brokerOf(stage);
      const agent = await stage.agent();
      const by = await watchers(stage);
      const first = await stage.order(by.client);
      broker.faults.publish('never-settle', { ...events, times: 5 });
      broker.faults.publish('swallow', { ...events, times: 5 });
      await stage.order(by.client);
      await until('events hang', () => agent.connection.statistics.underWay >= 10);
      await first.ended;
      broker.dropConnections();
      await stage.order(by.client);
      await allCompleted(stage);
      expect(agent.connection.statistics.resent).to.be.at.least(10);
    },
  },
  {
    name: 'credit is withheld during builds',
    company: 'together',
    options: () => ({ silence: 1_000 }),
    run: async stage => {
      const broker = brokerOf(stage);
      const agent = await stage.agent({ stepDelay: 100 });
      const by = await watchers(stage);
      await startBuilds(stage, 3, by);
      const rule = broker.faults.withholdCredit();
      broker.dropConnections(); // new links have none of the credit that was given before
      const call = later(stage.order(by.client));
      await until('events wait for credit', () => {
        const { waiting, underWay } = agent.connection.statistics;
        return agent.connection.state === 'open' && waiting + underWay > 10;
      });
      expect(stage.watches.filter(({ over }) => over)).to.deep.equal([]);
      rule.off();
      await call;
      await allCompleted(stage);
    },
  },
  {
    name: 'the queue of a console that does not read is full',
    company: 'apart',
    broker: { queueBounds: { maxMessages: 50 } },
    options: () => ({ silence: 1_000 }),
    run: async stage => {
      const broker = brokerOf(stage);
      const deaf = await stage.console();
      const other = await stage.console(stage.transport(stage.agentSide, 'console'));
      const url = stage.agentSide.through(stage.site.url);
      const agent = await startLoad({ url, domain: stage.domain, rate: 2_000 });
      stage.onEnd(() => {
        agent.kill();
        return Promise.resolve();
      });
      const following: Promise<BuildWatch>[] = [];
      const known = new Set<string>();
      other.session.onEvent(event => {
        const status = asTyped(event, BuildAdaptorStatusEvent);
        if (status?.values.new_status !== 'INITIALIZING' || known.size >= 20) return;
        const address = addressFromPlain(status.values.addr);
        if (known.has(address.objectName)) return;
        known.add(address.objectName);
        following.push(
          later(stage.follow(other, address)),
          later(stage.follow(deaf, address, 'the deaf one')),
        );
      });
      await Promise.all([deaf.findFactory(), other.findFactory()]);
      const running = later(agent.run(2));
      await until('both watch some builds', () => known.size >= 20);
      await Promise.all(following);
      stage.consoleSide.stall('both');
      await running; // whatever the deaf one does: all has been raised, and is off the agent's hands
      const refused = (): number => broker.stats().queues.reduce((sum, queue) => sum + queue.refused, 0);
      // On a slow machine most may have been raised before the console went deaf.
      for (let more = 0; refused() === 0 && more < 3; more++) await agent.run(2);
      expect(refused(), 'messages that a queue had no room for').to.be.greaterThan(0);
      stage.consoleSide.resume();
      await stage.outcomes();
      await agent.leave();
    },
  },
  {
    name: 'connections are cut or closed as they come in',
    company: 'together',
    run: async stage => {
      const broker = brokerOf(stage);
      await stage.agent();
      const by = await watchers(stage);
      await startBuilds(stage, 3, by);
      broker.faults.connect('cut', { times: 4 });
      broker.faults.connect(
        { do: 'close', error: { condition: 'amqp:resource-limit-exceeded' } },
        { times: 4 },
      );
      broker.dropConnections();
      await stage.order(by.client);
      await allCompleted(stage);
    },
  },
];
