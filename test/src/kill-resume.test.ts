import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { afterEach, before, describe, it } from 'mocha';
import { KillRun, randomFrom } from './kill/kill-agent.js';
import { skipBecause } from './support/lane.js';

interface Meta {
  readonly identifier: string;
  readonly type: string;
  readonly status: string;
  readonly base_image_id?: string | null;
  readonly status_detail: { readonly error: string | null };
}

describe('the images of agents that are killed at random moments', function () {
  this.timeout(300_000);
  let run: KillRun | undefined;
  before(function () {
    if (process.platform !== 'linux') skipBecause(this, 'processes are looked up in /proc');
  });
  afterEach(() => run?.close());

  async function metas(directory: string): Promise<readonly Meta[]> {
    const names = await readdir(directory);
    // A process may die between making the file that it is going to make its lock and writing its name into it.
    const odd = names.filter(name => /\.(busy|part|lock)$/.test(name) && name !== 'agent.lock');
    expect(odd, 'nobody works on anything any more').to.deep.equal([]);
    const texts = names
      .filter(name => name.endsWith('.meta'))
      .map(name => readFile(join(directory, name), 'utf8'));
    return (await Promise.all(texts)).map(text => JSON.parse(text) as Meta);
  }

  for (const mode of ['resumable', 'not resumable']) {
    it(`all end, with a reason where they failed: builds are ${mode}, 12 times`, async () => {
      run = await KillRun.open(mode);
      const seed = Date.now() % 2 ** 31;
      console.log(`      seed ${seed}`);
      await run.kill(12, randomFrom(seed));
      const all = await metas(join(run.directory, 'images'));
      const known = new Map(all.map(meta => [meta.identifier, meta]));
      const reasons = new Map<string, number>();
      for (const { identifier, base_image_id: base, status, status_detail: detail, type } of all) {
        expect(status, identifier).to.be.oneOf(['COMPLETE', 'FAILED']);
        if (status === 'FAILED') expect(detail.error, identifier).to.be.a('string');
        if (type !== 'TargetImage') continue;
        if (status === 'COMPLETE') expect(known.get(base ?? '')?.status, identifier).to.equal('COMPLETE');
        const reason = /agent was killed/.test(detail.error ?? '')
          ? /meanwhile, 3 times,/.test(detail.error ?? '')
            ? 'killed three times'
            : 'killed'
          : status;
        reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      }
      console.log(`      ${JSON.stringify([...reasons])}`);
      expect(reasons.get('COMPLETE')).to.be.greaterThan(0);
      for (const [name] of run.accepted)
        expect(known.has(name.replace('build_adaptor-', '')), name).to.equal(true);
      if (mode === 'resumable') expect(reasons.get('killed'), 'begun once more').to.equal(undefined);
      else expect(reasons.get('killed three times')).to.equal(undefined);
    });
  }
});
