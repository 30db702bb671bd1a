import { BusConnection, QmfError, type Transport } from '@imagefactory/qmf';
import type { Wire } from '@imagefactory/qmf/wire';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { recordingLogger } from '@imagefactory/factory/testing';
import { until } from '@imagefactory/factory/testing';
import { tellConnectionNews } from './connection-news.js';

/** A broker that can be switched on and off. */
function switchable(): {
  transport: Transport;
  set(on: boolean): void;
  refuse(refuses: boolean): void;
  /** Whether it takes no messages. */
  holdBack(holds: boolean): void;
  dials(): number;
} {
  let isOn = false;
  let refuses = false;
  let holdsBack = false;
  const held: (() => void)[] = [];
  let dials = 0;
  let cut: () => void = () => undefined;
  const dial = (): Promise<Wire> => {
    dials++;
    if (refuses) return Promise.reject(new QmfError('not_authorised', 'amqp://b refused the credentials'));
    if (!isOn) return Promise.reject(new QmfError('unreachable', 'amqp://b cannot be reached: refused'));
    let close: () => void = () => undefined;
    const closed = new Promise<QmfError | undefined>(resolve => {
      cut = () => resolve(new QmfError('connection_lost', 'the connection to amqp://b ended'));
      close = () => resolve(undefined);
    });
    const wire: Wire = {
      peer: { product: 'qpidd', version: '1' },
      bodyForm: 'value',
      userIds: { kind: 'vouched' },
      bind: () => Promise.resolve(() => undefined),
      send: () => (holdsBack ? new Promise(resolve => held.push(resolve)) : Promise.resolve()),
      closed,
      close: () => {
        close();
        return Promise.resolve();
      },
    };
    return Promise.resolve(wire);
  };
  return {
    transport: { description: 'amqp://b', dial },
    dials: () => dials,
    refuse: value => {
      refuses = value;
    },
    holdBack: holds => {
      holdsBack = holds;
      if (!holds) for (const take of held.splice(0)) take();
    },
    set: on => {
      isOn = on;
      if (!on) cut();
    },
  };
}

describe('the news of a connection', () => {
  it('are told once for each going and coming', async () => {
    const broker = switchable();
    const connection = new BusConnection(broker.transport, { retry: { initialDelay: 1, maxDelay: 2 } });
    const log = recordingLogger();
    const stop = tellConnectionNews(connection, log);
    connection.start();
    await until('a few attempts have failed', () => broker.dials() > 3);
    broker.set(true);
    await connection.ready();
    const dials = broker.dials();
    broker.set(false);
    await until('a few more have failed', () => broker.dials() > dials + 3);
    broker.set(true);
    await connection.ready();
    await connection.close();
    stop();
    expect(log.lines.filter(line => !line.startsWith('debug'))).to.deep.equal([
      'warn: amqp://b cannot be reached: refused; trying again until the broker answers',
      'notice: connected to amqp://b (qpidd 1)',
      'warn: the connection to amqp://b ended; trying again until the broker answers',
      'notice: connected again to amqp://b (qpidd 1)',
    ]);
  });

  it('are told again when the broker is back and refuses us, once', async () => {
    const broker = switchable();
    const connection = new BusConnection(broker.transport, {
      retry: { initialDelay: 1, maxDelay: 2, retryRefused: true },
    });
    const log = recordingLogger();
    const stop = tellConnectionNews(connection, log);
    connection.start();
    await until('a few attempts have failed', () => broker.dials() > 3);
    for (const refuses of [true, false, true]) {
      const before = broker.dials();
      broker.refuse(refuses);
      await until('a few more have failed', () => broker.dials() > before + 3);
    }
    broker.refuse(false);
    broker.set(true);
    await connection.ready();
    await connection.close();
    stop();
    expect(log.lines.filter(line => !line.startsWith('debug'))).to.deep.equal([
      'warn: amqp://b cannot be reached: refused; trying again until the broker answers',
      'warn: amqp://b refused the credentials; trying again, no restart is needed',
      'notice: connected to amqp://b (qpidd 1)',
    ]);
  });

  it('tell of a broker that is there and takes nothing, and when it does again', async () => {
    const broker = switchable();
    broker.set(true);
    const connection = new BusConnection(broker.transport);
    const log = recordingLogger();
    const stop = tellConnectionNews(connection, log, 50);
    connection.start();
    await connection.ready();
    broker.holdBack(true);
    const sent = connection.send(
      { to: { node: 'e', subject: 'k' }, headers: new Map(), body: { form: 'none' } },
      { whileAway: 'keep' },
    );
    await until('it is told', () => log.lines.length === 2);
    broker.holdBack(false);
    await sent;
    await until('the end is told', () => log.lines.length === 3);
    await connection.close();
    stop();
    expect(log.lines.slice(1)).to.deep.equal([
      'warn: amqp://b is there and takes no messages (1 wait); brokers hold publishers back when memory or disk run short, or a queue is full',
      'notice: amqp://b takes messages again',
    ]);
  });
});
