import { after, describe, it } from 'mocha';
import { isAskedFor } from './interop/on-broker.js';
import { expectRecorded } from './recording/files.js';
import { scenarios } from './recording/scenarios.js';
import { Stage } from './recording/stage.js';
import { startQpidd } from './support/brokers/qpidd.js';

const broker = isAskedFor('qpidd')
  ? await startQpidd()
  : { missing: 'not asked for; set IMAGEFACTORY_BROKERS to all, or to a list with qpidd' };

describe('recorded conversations, on qpidd', function () {
  this.timeout(600_000);
  this.slow(10_000);

  if ('missing' in broker) {
    it(broker.missing, function () {
      this.skip();
    });
    return;
  }
  after(() => broker.stop());

  // One after the other: they share the broker, and each expects one agent there.
  for (const scenario of scenarios) {
    it(`repeats ${scenario.name}`, async () => {
      await expectRecorded(scenario.name, await Stage.record(scenario, broker.url));
    });
  }
});
