import { BuildLogEvent, BuildNews, NEWS_OBJECT } from '@imagefactory/schema';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type ConnectedConsole, connectConsole } from './connect.js';
import { ScriptedFactory } from './testing/scripted-factory.test.fixture.js';
import { until } from './testing/until.test.fixture.js';

const line = (seq: number) => ({ seq, time: '', level: 'info', text: `line ${seq}` });

describe('the log of a build', () => {
  let factory: ScriptedFactory;
  let client: ConnectedConsole;
  beforeEach(async () => {
    factory = await ScriptedFactory.start();
    client = await connectConsole({ broker: factory.broker.url });
  });
  afterEach(async () => {
    await client.close();
    await factory.leave();
    await factory.broker.stop();
  });

  it('ends when the agent says so, whatever events say, or when the agent is gone after them', async () => {
    const { session } = factory;
    const state = { over: false };
    const asked: number[] = [];
    let empty: () => void = () => undefined;
    const waits = new Promise<void>(resolve => {
      empty = resolve;
    });
    session.register(BuildLogEvent);
    session.publish(BuildNews, {
      name: NEWS_OBJECT,
      values: {},
      methods: {
        log: ({ from }) => {
          asked.push(from ?? 1);
          const lines = from === 1 ? [line(1)] : [];
          if (lines.length === 0) empty();
          return { lines, next: (from ?? 1) + lines.length, over: state.over };
        },
        follow: () => ({ granted: 60, next: 1, over: false }),
        detail: () => ({ status_detail: {}, queue: {}, failure: {} }),
        image: () => ({ record: {} }),
      },
    });
    const build = await (await client.findFactory()).buildImage({
      descriptor: '<template/>',
      target: 'mock',
    });
    const texts: string[] = [];
    const reading = (async () => {
      for await (const { text } of build.log()) texts.push(text);
    })();
    await waits;
    const addr = factory.adaptors[0]!.addressMap;
    const tell = (first: number, count: number, over: boolean) =>
      session.raise(BuildLogEvent, {
        addr,
        event: 'LOG',
        first,
        lines: Array.from({ length: count }, (_, index) => line(first + index)),
        over,
      });
    await tell(2, 1, false);
    const before = asked.length;
    await tell(3, 0, true);
    await until(() => asked.length >= before + 2, 'a forged end has led to questions');
    await tell(3, 1, false);
    await until(() => texts.length === 3, 'the log goes on');
    state.over = true;
    await tell(4, 0, true);
    await reading;
    expect(texts).to.deep.equal(['line 1', 'line 2', 'line 3']);
    // The agent ends with its build.
    state.over = false;
    const rest = (async () => {
      for await (const { text } of build.log({ from: 4 })) texts.push(text);
    })();
    const last = asked.length;
    await until(() => asked.length > last, 'the second reader has asked');
    await tell(4, 1, true);
    session.close();
    await rest;
    expect(texts.at(-1)).to.equal('line 4');
  });
});
