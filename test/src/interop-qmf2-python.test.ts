import { join } from 'node:path';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { AgentProgram } from './support/agent-program.js';
import { startQpidd } from './support/brokers/qpidd.js';
import type { RealBroker } from './support/brokers/real-broker.js';
import { skipBecause } from './support/lane.js';
import { Program, projectRoot } from './support/program.js';

/** An interpreter that has the bindings; few machines do nowadays. */
const PYTHON = process.env.IMAGEFACTORY_QMF2_PYTHON ?? '/usr/bin/python3';

describe("the seed's own session in Python: cqpid and qmf2 on AMQP 0-10", function () {
  this.timeout(300_000);
  let broker: RealBroker | undefined;
  let agent: AgentProgram | undefined;

  before(async function () {
    const probe = await Program.run(PYTHON, ['-c', 'import cqpid, qmf2']).catch(() => undefined);
    if (probe?.status !== 0) {
      skipBecause(this, `${PYTHON} has no cqpid and qmf2; name one that does in IMAGEFACTORY_QMF2_PYTHON`);
    }
    const found = await startQpidd();
    if ('missing' in found) skipBecause(this, found.missing);
    broker = found;
    agent = await AgentProgram.start(broker.url);
    await (await agent.console()).close();
  });

  after(async () => {
    await agent?.stop();
    await broker?.stop();
  });

  it('works unchanged', async () => {
    const address = (broker?.url ?? '').replace('amqp://', '');
    const run = await Program.run(PYTHON, [join(projectRoot, 'test/interop/seed_session.py'), address]);
    expect(run.status, run.output).to.equal(0);
    expect(run.stdout.trim().split('\n').at(-1)).to.equal('COMPLETED');
  });

  it('lists the agent at once without a filter, long before its next heartbeat', async () => {
    const url = broker?.url ?? '';
    const patient = await AgentProgram.start(url, ['--interval', '86400']);
    try {
      await (await patient.console()).close();
      await agent?.stop(); // its heartbeats come every second
      for (let start = 0; start < 3; start++) {
        const script = join(projectRoot, 'test/interop/unfiltered_console.py');
        const run = await Program.run(PYTHON, [script, url.replace('amqp://', '')]);
        expect(run.stdout, run.output).to.match(/^listed after \d+ ms$/m);
      }
    } finally {
      await patient.stop();
    }
  });
});
