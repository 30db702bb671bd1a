import { type ConnectedConsole, QmfError } from '@imagefactory/console-client';
import { addressFromPlain, asTyped, type DataAddress, type ReceivedEvent } from '@imagefactory/qmf';
import { BuildAdaptorPercentCompleteEvent, BuildAdaptorStatusEvent, isTerminal } from '@imagefactory/schema';
import { expect } from 'chai';
import { FaultProxy } from '../../support/fault-proxy.js';
import { until } from '../../support/until.js';
import { later, pause } from '../helpers.js';
import { startLoad } from '../load/load-process.js';
import type { Scenario } from '../scenario.js';
import { placeOf } from '../site.js';
import type { Stage } from '../stage.js';

const rate = 1_000;
/** Bytes for each event that the agent may hold in the end; one that is kept is a kilobyte at least. */
const keptPerEvent = 128;

/** What events say of a build, in the order in which they came. */
function newsOf(event: ReceivedEvent): { readonly name: string; readonly word: string } | undefined {
  const status = asTyped(event, BuildAdaptorStatusEvent);
  if (status !== undefined)
    return { name: addressFromPlain(status.values.addr).objectName, word: status.values.new_status };
  const percent = asTyped(event, BuildAdaptorPercentCompleteEvent);
  if (percent !== undefined)
    return {
      name: addressFromPlain(percent.values.addr).objectName,
      word: `${percent.values.percent_complete}%`,
    };
  return undefined;
}

const percents = Array.from({ length: 19 }, (_, index) => `${5 * (index + 1)}%`);
const stories: Readonly<Record<string, readonly string[]>> = {
  COMPLETED: ['INITIALIZING', 'BUILDING', ...percents, 'FINISHING', '100%', 'COMPLETED'],
  FAILED: ['INITIALIZING', 'BUILDING', ...percents, 'FAILED'],
};

async function gap(proxies: readonly FaultProxy[], milliseconds: number): Promise<void> {
  for (const proxy of proxies) {
    proxy.refuse();
    proxy.cut();
  }
  await pause(milliseconds);
  for (const proxy of proxies) await proxy.accept();
}

/** Watches a build, unless it ended so long ago that the agent has forgotten it. */
async function followed(stage: Stage, client: ConnectedConsole, address: DataAddress): Promise<void> {
  try {
    await stage.follow(client, address);
  } catch (error) {
    if (!(error instanceof QmfError) || error.code !== 'schema_unknown') throw error;
  }
}

export const load: readonly Scenario[] = [
  {
    name: '1000 events a second with three cuts, for a minute (less in short runs)',
    company: 'apart',
    options: () => ({ callTimeout: 10_000 }),
    run: async stage => {
      const seconds = stage.site.seconds;
      const url = stage.agentSide.through(stage.site.url);
      const agent = await startLoad({ url, domain: stage.domain, rate });
      stage.onEnd(() => {
        agent.kill();
        return Promise.resolve();
      });
      // Before anybody watches: code is compiled, and every buffer has its size.
      const warm = await agent.run(seconds / 6);

      // A console that nothing is done to hears every event, whatever is done to the agent.
      const untouched = await FaultProxy.start(placeOf(stage.site.url));
      stage.onEnd(() => untouched.stop());
      const witness = await stage.console(stage.transport(untouched, 'witness'));
      const heard = new Map<string, string[]>();
      witness.session.onEvent(event => {
        const news = newsOf(event);
        if (news === undefined) return;
        const words = heard.get(news.name) ?? [];
        heard.set(news.name, words);
        words.push(news.word);
      });

      const client = await stage.console();
      const following: Promise<unknown>[] = [];
      const known = new Set<string>();
      client.session.onEvent(event => {
        const status = asTyped(event, BuildAdaptorStatusEvent);
        if (status === undefined || isTerminal(status.values.new_status)) return;
        const address = addressFromPlain(status.values.addr);
        if (known.has(address.objectName)) return;
        known.add(address.objectName);
        if (known.size % 4 === 0) following.push(later(followed(stage, client, address)));
      });

      await Promise.all([client.findFactory(), witness.findFactory()]);
      const running = later(agent.run(seconds));
      for (const proxies of [[stage.agentSide], [stage.consoleSide], [stage.agentSide, stage.consoleSide]]) {
        await pause((seconds * 1_000) / 4);
        await gap(proxies, Math.min(500, seconds * 50));
      }
      const { raised, ended, memory } = await running;
      // On a busy machine it takes longer than the seconds to raise them.
      expect(raised, 'events that were raised').to.be.greaterThan((rate * seconds) / 4);

      const count = Object.keys(ended).length;
      const isOver = (words: readonly string[]): boolean => isTerminal(words.at(-1) ?? '');
      await until(
        'the witness has heard of all ends',
        () => heard.size === count && [...heard.values()].every(isOver),
        stage.patience,
      ).catch(() => undefined); // the comparison tells more
      const wrong = Object.entries(ended).flatMap(([name, status]) => {
        const words = (heard.get(name) ?? []).join(' ');
        return words === stories[status]?.join(' ') ? [] : [`${name} (${status}): ${words}`];
      });
      expect(wrong.slice(0, 5), `builds that were told wrongly (${wrong.length} of ${count})`).to.deep.equal(
        [],
      );

      await Promise.all(following);
      const outcomes = await stage.outcomes();
      for (const [index, { build }] of stage.watches.entries())
        expect(outcomes[index], build.name).to.equal(ended[build.name]);
      // A quarter is followed; on a busy machine the agent may have forgotten many of them by then.
      expect(stage.watches.length, 'builds that were watched').to.be.greaterThan(count / 16);

      // A short run is too few events to tell growth from noise.
      if (seconds >= 30)
        expect((memory - warm.memory) / raised, 'bytes that the agent grew by for each event').to.be.lessThan(
          keptPerEvent,
        );
      await agent.leave();
    },
  },
];
