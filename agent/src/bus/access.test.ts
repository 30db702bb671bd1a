import { AgentException, exceptionCodes, type MethodCall, type UserIds } from '@imagefactory/qmf';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { recordingLogger } from '@imagefactory/factory/testing';
import { rejection } from '@imagefactory/factory/testing';
import { readAccessList } from '@imagefactory/factory/access';
import { accessGate } from './access-gate.js';

const list = JSON.stringify({
  allow: [
    { users: ['anna', 'ci@*'], methods: ['build_image', 'abort'] },
    { users: ['*'], methods: ['instance_states'], objects: ['image_factory'] },
    { users: ['root'] },
  ],
});

describe('an access list', () => {
  const isAllowed = readAccessList(list);

  it('allows what a rule allows, and nothing else', () => {
    for (const [user, method, object, expected] of [
      ['anna', 'build_image', 'image_factory', true],
      ['ci@build.example.com', 'abort', 'build_adaptor-1', true],
      ['anna', 'push_image', 'image_factory', false],
      ['annabel', 'build_image', 'image_factory', false],
      ['anonymous', 'build_image', 'image_factory', false],
      ['anonymous', 'instance_states', 'image_factory', true],
      ['anonymous', 'instance_states', 'build_adaptor-1', false],
      ['root', 'anything', 'anywhere', true],
      ['xci@y', 'abort', 'build_adaptor-1', false],
    ] as const) {
      expect(isAllowed({ user, method, object }), `${user} ${method} ${object}`).to.equal(expected);
    }
  });

  it('allows nothing when it is empty', () => {
    expect(readAccessList('{"allow": []}')({ user: 'root', method: 'abort', object: 'x' })).to.equal(false);
  });

  it('takes patterns for text, but for the star', () => {
    const one = readAccessList('{"allow": [{"users": ["a.b"]}]}');
    expect(one({ user: 'axb', method: 'm', object: 'o' })).to.equal(false);
    expect(one({ user: 'a.b', method: 'm', object: 'o' })).to.equal(true);
  });

  for (const [text, problem] of [
    ['[', 'no JSON'],
    ['[]', 'the list: an object with allow'],
    ['{"deny": []}', '"deny" is not known'],
    ['{"allow": {}}', 'allow: a list of rules'],
    ['{"allow": [{"methods": ["x"]}]}', 'allow[0]: users are missing'],
    ['{"allow": [{"users": "anna"}]}', 'allow[0].users: a list of names'],
    ['{"allow": [{"users": ["a"], "method": ["x"]}]}', 'allow[0]: "method" is not known'],
    ['{"allow": [{"users": ["a"], "objects": [1]}]}', 'allow[0].objects'],
  ] as const) {
    it(`refuses ${text}`, () => {
      expect(() => readAccessList(text)).to.throw(problem);
    });
  }
});

describe('the gate before methods', () => {
  const vouched: UserIds = { kind: 'vouched' };
  const call = (userId: string | undefined, method: string, userIds: UserIds = vouched): MethodCall => ({
    address: { agentName: 'a:b:c', objectName: 'image_factory', agentEpoch: 1 },
    method,
    caller: { userId, userIds, key: '' },
    signal: new AbortController().signal,
    afterReply: () => undefined,
  });

  it('writes a line per call, whatever its end, and no argument', async () => {
    const log = recordingLogger();
    const gate = accessGate({ list: readAccessList(list) }, log);
    await gate(call('anna', 'build_image'), () => Promise.resolve(new Map([['secret', 's3cret']])));
    await rejection(
      gate(call('root', 'x\nroot: answered'), () => Promise.reject(new AgentException('Unknown method: x'))),
    );
    let ran = false;
    const error = await rejection(
      gate(call(undefined, 'build_image'), () => {
        ran = true;
        return Promise.resolve(new Map());
      }),
    );
    expect(ran).to.equal(false);
    expect(error).to.be.instanceOf(AgentException).and.include({ code: exceptionCodes.forbidden });
    expect(log.lines).to.deep.equal([
      'notice: call of image_factory.build_image by anna: answered',
      'notice: call of image_factory."x\\nroot: answered" by root: refused: Unknown method: x',
      'warn: call of image_factory.build_image by anonymous: forbidden',
    ]);
  });

  const unverified: UserIds = {
    kind: 'unverified',
    reason: 'this broker checks nothing',
    remedy: 'use another',
  };

  it('refuses every call where the broker does not vouch for user ids, and says why', async () => {
    const log = recordingLogger();
    const gate = accessGate({ list: readAccessList('{"allow": [{"users": ["*"]}]}') }, log);
    let ran = 0;
    const proceed = () => {
      ran++;
      return Promise.resolve(new Map<string, never>());
    };
    for (const kind of ['unverified', 'forgeable-by-translation'] as const) {
      for (const user of ['anna', undefined]) {
        const error = await rejection(gate(call(user, 'build_image', { ...unverified, kind }), proceed));
        expect(error).to.be.instanceOf(AgentException).and.include({ code: exceptionCodes.forbidden });
        expect(String(error)).to.include('this broker checks nothing').and.include('use another');
      }
    }
    expect(ran).to.equal(0);
    expect(log.lines[0]).to.match(
      /^warn: call of image_factory.build_image by anna \(unverified\): forbidden: this broker/,
    );
    // After it has moved to a broker that does.
    await gate(call('anna', 'build_image'), proceed);
    expect(ran).to.equal(1);
  });

  it('marks names as unverified where it was told to take them, or has no list', async () => {
    const log = recordingLogger();
    const list = readAccessList('{"allow": [{"users": ["anna"]}]}');
    for (const options of [{ list, acceptUnverified: true }, {}]) {
      await accessGate(options, log)(call('anna', 'build_image', unverified), () =>
        Promise.resolve(new Map()),
      );
    }
    expect(log.lines).to.deep.equal(
      Array.from(
        { length: 2 },
        () => 'notice: call of image_factory.build_image by anna (unverified): answered',
      ),
    );
  });
});
