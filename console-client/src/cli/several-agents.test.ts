import { AgentException, type Clock, exceptionCodes, QmfError } from '@imagefactory/qmf';
import { BuildNews, NEWS_OBJECT } from '@imagefactory/schema';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { connectConsole } from '../connect.js';
import { ScriptedFactory } from '../testing/scripted-factory.test.fixture.js';
import { jsonLines, run } from './bus.test.fixture.js';

const uuid = '0b3f0c3e-1111-4222-8333-444455556666';
const otherUuid = '0b3f0c3e-1111-4222-8333-444455557777';

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

  describe('and images that are on record', () => {
    let second: ScriptedFactory;
    const asked: string[] = [];
    /** What `image` of each factory does. */
    const has = (uuids: readonly string[]) => (image: string) => {
      if (!uuids.includes(image)) throw new AgentException(`no image ${image}`, exceptionCodes.unknownObject);
    };
    const refuses = () => {
      throw new AgentException('not allowed', exceptionCodes.forbidden);
    };

    async function withImages(...owns: ((image: string) => void)[]): Promise<void> {
      second = await another('second');
      asked.length = 0;
      for (const [index, factory] of [first, second].entries()) {
        factory.session.publish(BuildNews, {
          name: NEWS_OBJECT,
          values: {},
          methods: {
            log: () => ({ lines: [], next: 1, over: true }),
            follow: () => ({ granted: 0, next: 1, over: true }),
            detail: () => ({ status_detail: {}, queue: {}, failure: {} }),
            image: ({ image }) => {
              asked.push(factory.session.name);
              owns[index]?.(image);
              return { record: { id: image, description: '<image/>', builds: [] } };
            },
          },
        });
      }
    }
    const files = { c: '<provider_credentials/>', t: '<template/>' };
    const push = ['-t', '2', 'push', uuid, '--provider', 'mock-one', '--credentials', 'c'];
    // A scripted factory of 2011 has no such methods; its answer says which one was asked for them.
    const unknownAt = (name: string, method: string): RegExp =>
      new RegExp(`:${name} answered with an exception: Unknown method: ${method}`);

    for (const [owner, ...owns] of [
      ['second', has([]), has([uuid])],
      ['first', has([uuid]), has([])],
      ['second', refuses, has([uuid])],
    ] as const) {
      it(`push and import find the ${owner} agent, which has the image${owns[0] === refuses ? ', though another refuses to say' : ''}`, async () => {
        await withImages(...owns);
        expect((await cli(push, { files })).stderr).to.match(unknownAt(owner, 'push_image'));
        expect(asked.sort()).to.deep.equal([first.session.name, second.session.name]);
        for (const option of ['--image', '--build']) {
          const add = ['import', 'ami-1', '--target', 'mock', '--provider', 'mock-one', option, uuid];
          expect((await cli(add, { files })).stderr).to.match(unknownAt(owner, 'import_image'));
        }
      });
    }

    it('build takes the agent that has the image, or the template of one', async () => {
      await withImages(has([]), has([uuid]));
      for (const words of [
        ['t', '--image-uuid', uuid],
        [uuid, '--image-uuid', otherUuid],
      ]) {
        const { code, stdout } = await cli(['--json', 'build', ...words, '--target', 'mock'], { files });
        expect(code).to.equal(0);
        expect(jsonLines(stdout).map(({ agent }) => agent)).to.deep.equal([second.session.name]);
      }
    });

    it('push, import and build name the agents where several come into question', async () => {
      await withImages(has([uuid]), has([uuid]));
      const place = ['--target', 'mock', '--provider', 'mock-one'];
      for (const words of [
        push,
        ['import', 'ami-1', ...place],
        ['import', 'ami-1', ...place, '--image', uuid],
        ['build', 't', '--target', 'mock'],
        ['build', 't', '--target', 'mock', '--image-uuid', uuid],
        ['build', 't', '--target', 'mock', '--image-uuid', otherUuid],
      ]) {
        const { code, stderr } = await cli(words, { files });
        expect(code, words.join(' ')).to.equal(2);
        expect(stderr).to.match(/2 agents come into question for the \w+: .*:first, .*:second/);
      }
    });

    it('push passes on the refusal where no agent says that it has the image', async () => {
      await withImages(refuses, refuses);
      const { code, stderr } = await cli(['-t', '60', ...push.slice(2)], { files });
      expect(code).to.not.equal(0);
      expect(stderr).to.include('not allowed');
    });
  });

  for (const name of ['{odd', '{class:BuildAdaptor}', '{}']) {
    it(`query finds an object whose name is ${name}`, async () => {
      first.makeBuild('<template/>', name);
      const { code, stdout } = await cli(['--json', 'query', name]);
      expect(code).to.equal(0);
      expect(jsonLines(stdout).map(({ object }) => object)).to.deep.equal([name]);
    });
  }

  it('query tells what is wrong with a query when no object has that name', async () => {
    const { code, stderr } = await cli(['query', '{odd']);
    expect(code).to.equal(2);
    expect(stderr).to.include("expected ':'");
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
