import { expect } from 'chai';
import { AgentProgram, unhurried } from '../../support/agent-program.js';
import { until } from '../../support/until.js';
import type { BuildWatch } from '../build-watch.js';
import { allCompleted, isRunning, startBuilds, watchers } from '../helpers.js';
import type { Scenario } from '../scenario.js';
import type { Stage } from '../stage.js';

/** The agent as a program of its own, which can be killed. */
async function program(stage: Stage, directory: string): Promise<AgentProgram> {
  const url = stage.agentSide.through(stage.site.url);
  const agent = await AgentProgram.start(url, ['--qmf-domain', stage.domain, ...unhurried], directory);
  stage.onEnd(async () => {
    await agent.program.stop();
  });
  return agent;
}

/** What became of builds whose agent was ended: they failed, or nobody can know, unless they were quicker and the agent said so. */
async function noneGuessed(stage: Stage, watches: readonly BuildWatch[]): Promise<void> {
  await until('their watchers know', () => watches.every(({ over }) => over), stage.patience);
  // Who follows a build that is over already reads its end back; its caller has heard it.
  const completed = watches.filter(watch => watch.outcome() === 'COMPLETED');
  const said = new Set(
    completed.filter(({ changes }) => changes.at(-1)?.caughtUp === false).map(({ build }) => build.name),
  );
  const guessed = completed.filter(({ build }) => !said.has(build.name));
  expect(guessed.map(String), 'builds that are taken for completed though no event said so').to.deep.equal(
    [],
  );
}

/** Agents and consoles end, and some come back. */
export const restarts: readonly Scenario[] = [
  {
    name: 'the agent is restarted in an orderly way while consoles watch',
    company: 'together',
    run: async stage => {
      const directory = await stage.directory();
      const first = await program(stage, directory);
      const by = await watchers(stage);
      await startBuilds(stage, 2, by);
      const watched = [...stage.watches];
      await first.stopCleanly();
      await program(stage, directory);
      await noneGuessed(stage, watched);
      const after = await stage.order(by.client);
      await after.ended;
      expect(after.outcome()).to.equal('COMPLETED');
    },
  },
  {
    name: 'the agent is killed while consoles watch, and started again',
    company: 'together',
    run: async stage => {
      const directory = await stage.directory();
      const first = await program(stage, directory);
      const by = await watchers(stage);
      await startBuilds(stage, 2, by);
      const watched = [...stage.watches];
      first.program.kill('SIGKILL');
      await first.program.exited;
      await program(stage, directory);
      await noneGuessed(stage, watched);
      const after = await stage.order(by.client);
      await after.ended;
      expect(after.outcome()).to.equal('COMPLETED');
    },
  },
  {
    name: 'the agent is killed while consoles watch, and stays away',
    company: 'together',
    // Long enough for heartbeats that a busy machine holds up.
    options: () => ({ maxAgentAge: 15_000 }),
    run: async stage => {
      const agent = await program(stage, await stage.directory());
      const by = await watchers(stage);
      await startBuilds(stage, 2, by);
      agent.program.kill('SIGKILL');
      await agent.program.exited;
      await noneGuessed(stage, stage.watches);
      expect(by.client.session.agents(), 'agents that are known still').to.deep.equal([]);
    },
  },
  {
    name: 'a console is restarted while builds run',
    company: 'together',
    run: async stage => {
      await stage.agent({ stepDelay: 100 });
      const first = await stage.console();
      const ordered = await Promise.all(Array.from({ length: 3 }, () => stage.order(first)));
      await until('the builds run', () => ordered.every(isRunning), stage.patience);
      await first.close();
      // Who closes a console has no more to expect from it: its loops end without the end of the build.
      await Promise.all(ordered.map(({ ended }) => ended));
      stage.watches.length = 0;
      const second = await stage.console();
      await Promise.all(
        ordered.map(({ build }) => stage.follow(second, build.address, 'the console that came back')),
      );
      await allCompleted(stage);
    },
  },
];
