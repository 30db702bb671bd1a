import { afterEach, before, beforeEach, describe, it } from 'mocha';
import { KillRun, randomFrom } from './kill/kill-agent.js';
import { skipBecause } from './support/lane.js';

describe('an agent that is killed for minutes', function () {
  this.timeout(1_800_000);
  let run: KillRun;
  before(function () {
    if (process.platform !== 'linux') skipBecause(this, 'processes are looked up in /proc');
    if (process.env.IMAGEFACTORY_REAL !== '1') {
      skipBecause(this, '200 kills take minutes; set IMAGEFACTORY_REAL=1 for them (20 are done in any case)');
    }
  });
  beforeEach(async () => {
    run = await KillRun.open();
  });
  afterEach(() => run.close());

  it('loses no build, and leaves nothing half done: 200 times', async () => {
    const seed = Date.now() % 2 ** 31;
    console.log(`      seed ${seed}`);
    await run.kill(200, randomFrom(seed));
    console.log(`      ${run.accepted.size} builds accepted; ${JSON.stringify([...run.tally])}`);
  });
});
