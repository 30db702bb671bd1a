import { type Clock, QmfError } from '@imagefactory/qmf';
import { BuildNews, NEWS_OBJECT } from '@imagefactory/schema';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { connectConsole } from '../connect.js';
import { ScriptedFactory } from '../testing/scripted-factory.js';
import { jsonLines, run } from './bus.test.fixture.js';

const uuid = '0b3f0c3e-1111-4222-8333-444455556666';

describe('one of several agents', () => {
  let first: ScriptedFactory;
  const others: ScriptedFactory[] = [];
  beforeEach(async () => {
    first = await ScriptedFactory.start({ instance: 'first' });
  });
  afterEach(async () => {
    for (const other of others.splice(0)) await other.leave();
    await first.stop();
  });

  async function another(instance: string, epoch = 1, clock?: Clock): Promise<ScriptedFactory> {
    const options = { broker: first.broker, instance, epoch, ...(clock === undefined ? {} : { clock }) };
    const factory = await ScriptedFactory.start(options);
    others.push(factory);
    return factory;
  }
  const cli = (args: readonly string[], options: Parameters<typeof run>[1] = {}) =>
    run(['--broker', first.broker.url, ...args], options);

  it('watch waits for a build whose agent is starting again, and says so', async () => {
    let starting: Promise<void> | undefined;
    const begin = async (): Promise<void> => {
      const second = await another('second', 2);
      const adaptor = second.makeBuild('<template/>', `build_adaptor-${uuid}`);
      adaptor.update({ finished_image: '/one', status: 'COMPLETED' });
    };
    const { code, stdout, stderr } = await cli(['-t', '30', 'watch', uuid], {
      onNotes: text => {
        if (text.includes('waiting up to')) starting ??= begin();
      },
    });
    await starting;
    expect(stderr).to.include(`no agent that is here knows build '${uuid}'`);
    expect([code, stdout]).to.deep.equal([0, 'COMPLETED /one\n']);
  });

  it('watch says who was asked when nobody knows the build in the end', async () => {
    await another('second');
    const { code, stderr } = await cli(['-t', '0.5', 'log', 'nope']);
    expect(code).to.equal(4);
    expect(stderr).to.match(/no agent knows a build 'nope' \(any more\): .*:first, .*:second were asked/);
  });

  it('push finds the agent that has the image', async () => {
    const second = await another('second');
    const asked: string[] = [];
    for (const factory of [first, second]) {
      factory.session.publish(BuildNews, {
        name: NEWS_OBJECT,
        values: {},
        methods: {
          log: () => ({ lines: [], next: 1, over: true }),
          follow: () => ({ granted: 0, next: 1, over: true }),
          detail: () => ({ status_detail: {}, queue: {}, failure: {} }),
          image: ({ image }) => {
            asked.push(factory.session.name);
            if (factory === first) throw new Error(`no image ${image}`);
            return { record: { id: image, description: '<image/>', builds: [] } };
          },
        },
      });
    }
    const { stderr } = await cli(['-t', '2', 'push', uuid, '--provider', 'mock-one', '--credentials', 'c'], {
      files: { c: '<provider_credentials/>' },
    });
    expect(asked.sort()).to.deep.equal([first.session.name, second.session.name]);
    // The scripted factory knows no such method; that it was asked for it is what counts.
    expect(stderr).to.include('push_image').and.to.not.include('come into question');
  });

  it('findFactory() of the library names them instead of taking any', async () => {
    await another('second');
    const client = await connectConsole({ broker: first.broker.url });
    try {
      const error = await client.findFactory().catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(QmfError).and.include({ code: 'invalid_argument' });
      expect(String(error)).to.match(/instance: 2 Image Factory agents are there.*:first, .*:second/);
      expect((await client.findFactory({ instance: 'second' })).agent.info.instance).to.equal('second');
    } finally {
      await client.close();
    }
  });

  it('LAST SEEN is by our clock, whatever the agent says', async () => {
    await another('second', 1, { now: () => 1_000_000_000n });
    const before = Date.now();
    const { stdout } = await cli(['--json', 'agents']);
    const seen = jsonLines(stdout).map(({ last_seen: time }) =>
      Date.parse(typeof time === 'string' ? time : ''),
    );
    expect(seen).to.have.lengthOf(2);
    for (const time of seen) expect(time).to.be.within(before, Date.now());
  });
});
