import { expect } from 'chai';
import { type ConnectedConsole } from '@imagefactory/console-client';
import { allCompleted } from '../helpers.js';
import type { Scenario } from '../scenario.js';
import type { StageOptions } from '../stage.js';

/** Nobody asks about a build: on a busy machine an answer may overtake the event that is waited for. */
const options = (): StageOptions => ({ silence: 600_000 });

/** Many of one side, each on a connection of its own. */
export const crowds: readonly Scenario[] = [
  {
    name: '200 consoles watch one agent',
    company: 'apart',
    options,
    run: async stage => {
      let open: () => void = () => undefined;
      const gate = new Promise<void>(resolve => (open = resolve));
      await stage.agent({ gate });
      const consoles: ConnectedConsole[] = [];
      // In groups, as a broker may hold a crowd at its door for an attack.
      while (consoles.length < 200)
        consoles.push(...(await Promise.all(Array.from({ length: 20 }, () => stage.console()))));
      const [first] = consoles;
      if (first === undefined) throw new Error('no console');
      const { build } = await stage.order(first);
      await Promise.all(consoles.slice(1).map(client => stage.follow(client, build.address)));
      open();
      await allCompleted(stage);
      expect(stage.watches).to.have.lengthOf(200);
      const told = stage.watches.filter(({ changes }) => changes.at(-1)?.caughtUp === false);
      expect(told, 'consoles that heard of the end by its event').to.have.lengthOf(200);
    },
  },
  {
    name: '50 agents and one console',
    company: 'apart',
    options,
    run: async stage => {
      const agents = [];
      while (agents.length < 50)
        agents.push(...(await Promise.all(Array.from({ length: 10 }, () => stage.agent({ stepDelay: 20 })))));
      const client = await stage.console();
      await Promise.all(
        agents.map(async ({ name }) => {
          const factory = await client.findFactory({
            instance: name.slice(name.lastIndexOf(':') + 1),
            timeout: 60_000,
          });
          for (let number = 0; number < 2; number++) {
            const build = await factory.buildImage({ descriptor: '<template></template>', target: 'mock' });
            stage.watch(build, 'the one console');
          }
        }),
      );
      await allCompleted(stage);
      expect(new Set(stage.watches.map(({ build }) => build.address.agentName)).size).to.equal(50);
      expect(
        stage.watches.filter(({ byEvents }) => !byEvents).map(String),
        'builds that were not told by events alone',
      ).to.deep.equal([]);
    },
  },
];
