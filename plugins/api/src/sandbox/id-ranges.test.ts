import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { idBlocks, parseIdRange } from './id-ranges.js';

describe('ids of builds', () => {
  const root = { uid: 0, name: 'root' };
  const alice = { uid: 1000, name: 'alice' };
  let etc: string;
  before(async () => {
    etc = await mkdtemp(join(tmpdir(), 'etc-'));
    await writeFile(
      join(etc, 'subuid'),
      'alice:100000:131072\n# none\nbob:300000:65535\n1000:400000:65536\n',
    );
    await writeFile(join(etc, 'subgid'), 'alice:200000:131072\nbob:300000:65536\n');
    await writeFile(
      join(etc, 'passwd'),
      'root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\nldap:x:900000:1::/:/bin/sh\n',
    );
    await writeFile(join(etc, 'group'), 'root:x:0:\n');
  });
  after(() => rm(etc, { recursive: true }));

  it('are the blocks that subuid(5) and subgid(5) give the user, by name or by number', async () => {
    expect(await idBlocks({ user: alice, etc })).to.deep.equal([
      { uid: 100_000, gid: 200_000 },
      { uid: 165_536, gid: 265_536 },
    ]);
  });

  it('are refused with the remedy where there is no whole block', async () => {
    for (const user of [root, { uid: 1001, name: 'bob' }]) {
      const outcome = await idBlocks({ user, etc }).catch((error: unknown) => error);
      expect(outcome).to.have.property('code', 'not_permitted');
      expect(outcome)
        .to.have.property('message')
        .that.contains(`usermod --add-subuids 524288-1572863 --add-subgids 524288-1572863 ${user.name}`);
    }
  });

  it('are those that the operator names, for root', async () => {
    const blocks = await idBlocks({ user: root, etc, ids: { first: 600_000, count: 200_000 } });
    expect(blocks.map(({ uid }) => uid)).to.deep.equal([600_000, 665_536, 731_072]);
  });

  for (const [what, ids] of [
    ['an account', { first: 850_000, count: 65_536 }],
    ["another user's ids", { first: 90_000, count: 65_536 }],
    ['root itself', { first: 0, count: 65_536 }],
  ] as const) {
    it(`are never those of ${what}`, async () => {
      const outcome = await idBlocks({ user: root, etc, ids }).catch((error: unknown) => error);
      expect(outcome).to.have.property('message').that.contains('choose ids that no account uses');
    });
  }

  it('are no more for an ordinary user than were given', async () => {
    const outcome = await idBlocks({ user: alice, etc, ids: { first: 700_000, count: 65_536 } }).catch(
      (e: unknown) => e,
    );
    expect(outcome).to.have.property('message').that.contains('not among the ids of alice');
  });

  it('are read from --build-ids', () => {
    expect(parseIdRange('524288:65536')).to.deep.equal({ first: 524_288, count: 65_536 });
    for (const text of ['', '1', '0:65536', '1:65535', '4294967290:65536', '-5:65536', '1:1e9', '1:65536 ']) {
      expect(() => parseIdRange(text), text).to.throw(/--build-ids/);
    }
  });
});
