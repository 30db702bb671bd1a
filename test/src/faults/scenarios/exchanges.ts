import { allCompleted, given, startBuilds, watchers } from '../helpers.js';
import type { Scenario } from '../scenario.js';
import type { Stage } from '../stage.js';

/** Exchanges are deleted while builds run; then everything works as before, for those who were there and for those who come. */
function deleted(what: string, remake: boolean, names: (stage: Stage) => readonly Exchange[]): Scenario {
  return {
    name: `${what} deleted ${remake ? 'and made again by somebody else' : 'for good'} during builds`,
    company: 'together',
    options: () => ({ silence: 1_000, renewal: 500 }),
    missing: site => (site.exchanges === undefined ? 'no way to delete an exchange here' : undefined),
    run: async stage => {
      const administrator = given(stage.site.exchanges);
      await stage.agent({ stepDelay: 250 });
      const by = await watchers(stage);
      await startBuilds(stage, 3, by);
      for (const { name, type } of names(stage)) {
        await administrator.delete(name);
        if (remake) await administrator.make(name, type);
      }
      await stage.order(by.client); // heard by the agent, and answered
      await stage.follow(by.observer, (await stage.order(by.observer)).build.address);
      const later = await stage.console();
      await stage.order(later);
      await allCompleted(stage);
    },
  };
}

interface Exchange {
  readonly name: string;
  readonly type: 'topic' | 'direct';
}

const topic = ({ domain }: Stage): Exchange => ({ name: `qmf.${domain}.topic`, type: 'topic' });
const direct = ({ domain }: Stage): Exchange => ({ name: `qmf.${domain}.direct`, type: 'direct' });

export const exchanges: readonly Scenario[] = [
  deleted('the topic exchange is', true, stage => [topic(stage)]),
  deleted('the topic exchange is', false, stage => [topic(stage)]),
  deleted('both exchanges are', true, stage => [topic(stage), direct(stage)]),
  deleted('both exchanges are', false, stage => [topic(stage), direct(stage)]),
];
