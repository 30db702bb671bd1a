import { afterEach, before, beforeEach, describe, it } from 'mocha';
import { KillRun, randomFrom } from './kill/kill-agent.js';
import { skipBecause } from './support/lane.js';

describe('an agent that is killed at random moments', function () {
  this.timeout(300_000);
  let run: KillRun;
  before(function () {
    if (process.platform !== 'linux') skipBecause(this, 'processes are looked up in /proc');
  });
  beforeEach(async () => {
    run = await KillRun.open();
  });
  afterEach(() => run.close());

  it('loses no build, and leaves nothing half done: 20 times', async () => {
    const seed = Date.now() % 2 ** 31;
    console.log(`      seed ${seed}`);
    await run.kill(20, randomFrom(seed));
    console.log(`      ${run.accepted.size} builds accepted; ${JSON.stringify([...run.tally])}`);
  });
});
