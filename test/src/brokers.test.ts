import { expect } from 'chai';
import { afterEach, describe, it } from 'mocha';
import { type ContainerEngine, containerFor } from './support/brokers/container.js';
import { asProcess } from './support/brokers/local-process.js';
import { byFirstWay, fromContainer, fromEnvironment, type Way } from './support/brokers/ways.js';
import { Program } from './support/program.js';
import { freeOwnPort } from './support/own-port.js';
import { matrixTable } from './interop/matrix.js';

const VARIABLE = 'IMAGEFACTORY_TEST_OF_WAYS_URL';

function engine(given: Partial<ContainerEngine>): ContainerEngine {
  return {
    missing: () => Promise.resolve(undefined),
    start: () => Promise.resolve({ host: 'engine', port: 32_768, stop: () => Promise.resolve() }),
    ...given,
  };
}

/** A stand-in for a broker: listens where it is told to. */
function listener(port: number): Program {
  const script = `require('net').createServer().listen(${port}, '127.0.0.1', () => console.log('ready'))`;
  return new Program(process.execPath, ['-e', script], { group: true });
}

describe('the ways to a broker', () => {
  const containers = process.env.IMAGEFACTORY_CONTAINERS;
  afterEach(() => {
    Reflect.deleteProperty(process.env, VARIABLE);
    if (containers === undefined) Reflect.deleteProperty(process.env, 'IMAGEFACTORY_CONTAINERS');
    else process.env.IMAGEFACTORY_CONTAINERS = containers;
  });

  it('are tried in turn, and all reasons are told if none works', async () => {
    const no =
      (reason: string): Way =>
      () =>
        Promise.resolve(reason);
    const missing = await byFirstWay('qpidd', ['amqp10'], [no('not here'), no('nor there')]);
    expect(missing).to.deep.equal({ kind: 'qpidd', missing: 'not here; nor there' });
    const ways = [no('not here'), fromContainer({ image: 'some/broker' }, engine({}))];
    const found = await byFirstWay('qpidd', ['amqp10'], ways);
    expect(found).to.include({ kind: 'qpidd', url: 'amqp://engine:32768' });
    expect(found).to.have.property('how', 'container some/broker (not here)');
  });

  it('begin with an address from the environment', async () => {
    expect(await fromEnvironment(VARIABLE)()).to.equal(`${VARIABLE} is not set`);
    process.env[VARIABLE] = 'amqp://broker:5672';
    expect(await fromEnvironment(VARIABLE)()).to.include({ url: 'amqp://broker:5672', how: VARIABLE });
  });

  it('go on with a container where there is an engine that can start it', async () => {
    Reflect.deleteProperty(process.env, 'IMAGEFACTORY_CONTAINERS');
    const recipe = { image: 'some/broker', credentials: 'user:word' };
    const found = await fromContainer(recipe, engine({}))();
    expect(found).to.include({ url: 'amqp://user:word@engine:32768', how: 'container some/broker' });
    const none = engine({ missing: () => Promise.resolve('no engine') });
    expect(await fromContainer(recipe, none)()).to.equal('no engine');
    const broken = engine({ start: () => Promise.reject(new Error('no such image')) });
    expect(await fromContainer(recipe, broken)()).to.equal(
      'container some/broker did not start: no such image',
    );
    process.env.IMAGEFACTORY_CONTAINERS = '0';
    expect(await fromContainer(recipe, engine({}))()).to.equal('IMAGEFACTORY_CONTAINERS is 0');
  });

  it('describe containers to the library', () => {
    const container = containerFor({
      image: 'some/broker:4',
      environment: { MODE: 'test' },
      files: [{ target: '/etc/broker.conf', content: 'a = b\n' }],
      ready: /up/,
    });
    const known = JSON.stringify(container);
    for (const part of ['some/broker', 'MODE=test', '/etc/broker.conf', '5672'])
      expect(known).to.include(part);
  });

  it('end with a process, started again on another port if it failed on the first', async () => {
    const ports: number[] = [];
    const way = asProcess(() =>
      Promise.resolve({
        how: 'a listener',
        launch: async ({ port }) => {
          ports.push(port);
          if (ports.length === 1) throw new Error('somebody else took the port');
          const program = listener(port);
          await program.says(/ready/);
          return program;
        },
      }),
    );
    const found = await way();
    if (typeof found === 'string') throw new Error(found);
    try {
      expect(new Set(ports).size).to.equal(2);
      expect(found.url).to.equal(`amqp://127.0.0.1:${ports[1]}`);
      await found.process?.kill();
      const elsewhere = await freeOwnPort();
      expect(await found.process?.start(elsewhere)).to.equal(`amqp://127.0.0.1:${elsewhere}`);
    } finally {
      await found.stop();
    }
  });

  it('and why a process did not start', async () => {
    const way = asProcess(() =>
      Promise.resolve({ how: 'a broken one', launch: () => Promise.reject(new Error('no luck')) }),
    );
    expect(await way()).to.equal('a broken one did not start: no luck');
  });
});

describe('the matrix of brokers and transports', () => {
  it('has a line for each pair, and one with the reason for a broker that was not there', () => {
    const pair = { agent: 'amqp091', console: 'amqp10' } as const;
    const table = matrixTable([
      { broker: 'rabbitmq', product: 'RabbitMQ 3.10.8', pair, passed: 12, failed: 1, skipped: 0 },
      { broker: 'qpidd', passed: 0, failed: 0, skipped: 1, reason: 'no qpidd is on the PATH' },
    ]);
    const [head, rabbit, qpidd] = table.split('\n').map(line => line.trim().split(/ {2,}/));
    expect(head).to.deep.equal(['broker', 'agent → console', 'passed', 'failed', 'skipped']);
    expect(rabbit).to.deep.equal(['rabbitmq (RabbitMQ 3.10.8)', '0-9-1 → 1.0', '12', '1', '0']);
    expect(qpidd).to.deep.equal(['qpidd', '0', '0', '1', 'no qpidd is on the PATH']);
  });
});
