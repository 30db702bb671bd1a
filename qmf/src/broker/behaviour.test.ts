import { after, before, describe, it } from 'mocha';
import { ScenarioRun } from './behaviour.test.runner.js';
import { scenarios } from './behaviour.test.script.js';
import { type RunningBroker, startBroker } from './index.js';

describe('embedded broker: the script of link and message operations', () => {
  let broker: RunningBroker;
  before(async () => {
    broker = await startBroker();
  });
  after(() => broker.stop());

  for (const scenario of scenarios) {
    it(scenario.name, () => new ScenarioRun(broker, true).run(scenario));
  }
});

const qpiddUrl = process.env['IMAGEFACTORY_QPIDD_URL'];

describe('qpidd: the same script', () => {
  if (qpiddUrl === undefined) {
    it('skipped: set IMAGEFACTORY_QPIDD_URL=amqp://HOST:PORT to a qpidd without authentication to run it', function () {
      this.skip();
    });
    return;
  }
  const { hostname, port } = new URL(qpiddUrl);
  const address = { host: hostname, port: port === '' ? 5672 : Number(port) };
  for (const scenario of scenarios) {
    it(scenario.name, () => new ScenarioRun(address, false).run(scenario));
  }
});
