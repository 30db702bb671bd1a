import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BusConnection, QmfError, type Transport } from '@imagefactory/qmf';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { fakeCloud, fakeOs } from '@imagefactory/factory/testing';
import { rejection, until } from '@imagefactory/factory/testing';
import { startAgent } from './start-agent.js';

/** A broker that is never there. */
const nowhere: Transport = {
  description: 'amqp://nowhere:5672',
  dial: () => Promise.reject(new QmfError('unreachable', 'amqp://nowhere:5672 cannot be reached')),
};

describe('startAgent', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'agent-test-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  const options = () => ({
    bus: nowhere,
    plugins: [fakeOs(), fakeCloud()],
    imageDirectory: join(directory, 'images'),
    temporaryDirectory: join(directory, 'tmp'),
  });

  it('runs without a broker, and stops as often as one likes', async () => {
    const agent = await startAgent(options());
    expect(agent.name).to.match(/^redhat\.com:imagefactory:[0-9a-f-]{36}$/);
    expect(agent).to.include({
      epoch: 1,
      broker: 'amqp://nowhere:5672',
      imageDirectory: join(directory, 'images'),
    });
    await until('it waits for the broker', () => agent.connection.state === 'waiting');
    const report = { aborted: [], abandoned: [], postponed: [], unfinishedCalls: 0, unsentMessages: 0 };
    expect(await Promise.all([agent.stop(), agent.stop()])).to.deep.equal([report, report]);
    expect(agent.connection.state).to.equal('closed');
    expect(await readdir(join(directory, 'tmp'))).to.deep.equal([]);
    expect((await readdir(join(directory, 'images'))).sort()).to.deep.equal(['agent.json', 'cache', 'store']);
  });

  it('leaves a connection open that it was given', async () => {
    const connection = new BusConnection(nowhere);
    const agent = await startAgent({ ...options(), bus: connection });
    await agent.stop();
    expect(connection.state).not.to.equal('closed');
    await connection.close();
  });

  it('gives everything back when it cannot start', async () => {
    const error = await rejection(startAgent({ ...options(), plugins: [fakeOs(), fakeOs()] }));
    expect(error.message).to.equal('the OS plugin mock is there twice; load it once');
    expect(await readdir(join(directory, 'images'))).not.to.include('agent.lock');
    expect(await readdir(join(directory, 'tmp'))).to.deep.equal([]);
    await writeFile(join(directory, 'file'), '');
    await rejection(startAgent({ ...options(), imageDirectory: join(directory, 'file') }));
  });

  for (const [option, wrong, message] of [
    ['timeout', 0, 'timeout: 0 given, seconds above 0 to 2147483 are expected'],
    ['timeout', Number.NaN, 'timeout: NaN given, seconds above 0 to 2147483 are expected'],
    ['maxConcurrent', 0, 'maxConcurrent: 0 given, a whole number from 1 is expected'],
    ['interval', 1.5, 'interval: 1.5 given, a whole number from 1 is expected'],
    ['keepRecords', -1, 'keepRecords: -1 given, a whole number from 0 is expected'],
    ['keepFinished', -1, 'keepFinished: -1 given, seconds from 0 to 9007199254740991 are expected'],
  ] as const) {
    it(`refuses ${option} ${wrong}`, async () => {
      const error = await rejection(startAgent({ ...options(), [option]: wrong }));
      expect(error).to.be.instanceOf(RangeError);
      expect(error.message).to.equal(message);
    });
  }
});
