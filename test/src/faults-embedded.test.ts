import { before, describe, it } from 'mocha';
import { embeddedSite } from './faults/embedded-site.js';
import { scenarios } from './faults/scenarios/index.js';
import { switchScenarios, type SwitchScenario } from './faults/scenarios/switches.js';
import { Stage } from './faults/stage.js';
import { Turns } from './faults/turns.js';
import { skipBecause } from './support/lane.js';
import { until } from './support/until.js';

/** Sockets, servers, child processes and timers of this process; what keeps it alive. */
function openHandles(): number {
  return process.getActiveResourcesInfo().filter(name => /^(TCP|Pipe|Process|Timeout)/.test(name)).length;
}

/** Each on a broker of its own. Gives the reason when it cannot be played. */
async function play(scenario: SwitchScenario): Promise<string | undefined> {
  const site = await embeddedSite(false, scenario.broker);
  try {
    const missing = scenario.missing?.(site);
    if (missing !== undefined) return missing;
    await Stage.play(site, scenario.options?.(site) ?? {}, stage => scenario.run(stage));
    return undefined;
  } finally {
    await site.stop();
  }
}

describe('faults between an agent and consoles, on the embedded broker', function () {
  // Only for what hangs without end: what each scenario waits for has a patience of its own.
  this.timeout(600_000);
  this.slow(10_000);
  let leftBefore = 0;
  const all: readonly SwitchScenario[] = [...scenarios, ...switchScenarios];
  const together = all.filter(({ company }) => company !== 'apart');
  const turns = new Turns(6);
  const playing = new Map<SwitchScenario, Promise<string | undefined>>();

  // They wait more than they work, so they are played at the same time; each test below waits for its own.
  before(() => {
    leftBefore = openHandles();
    for (const scenario of together) {
      const played = turns.take(() => play(scenario));
      played.catch(() => undefined); // its test tells
      playing.set(scenario, played);
    }
  });

  for (const scenario of together) {
    it(scenario.name, async function () {
      const missing = await playing.get(scenario);
      if (missing !== undefined) skipBecause(this, missing);
    });
  }

  for (const scenario of all.filter(({ company }) => company === 'apart')) {
    it(scenario.name, async () => {
      await play(scenario);
    });
  }

  it('leave nothing open that would keep a process from ending', async () => {
    await until('no more handles are open than before', () => openHandles() <= leftBefore);
  });
});
