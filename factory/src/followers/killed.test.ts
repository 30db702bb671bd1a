import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { checkFactory } from '../maintenance/index.js';
import { openStoreForReading } from '../store/index.js';
import { type Iwhd, startIwhd } from '../testing/iwhd.js';
import type { Printed } from './uploading.test.fixture.js';

const program = fileURLToPath(new URL('./uploading.test.fixture.js', import.meta.url));
/** Kills of the long run: `IMAGEFACTORY_KILLS=300`. */
const kills = Number(process.env['IMAGEFACTORY_KILLS'] ?? 5);

describe('followers of a process that is killed', function () {
  this.timeout(60_000 + kills * 10_000);
  let directory: string;
  let iwhd: Iwhd;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'followers-killed-'));
    iwhd = await startIwhd();
  });
  afterEach(async () => {
    await iwhd.stop();
    await rm(directory, { recursive: true });
  });

  /** @param moments how many lines and requests pass before the kill; undefined for none */
  async function run(task: 'build' | 'finish', moments?: number): Promise<readonly Printed[]> {
    const child: ChildProcess = spawn(process.execPath, [program, directory, iwhd.url, task], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    let passed = 0;
    const pass = (): void => {
      if (++passed === moments) child.kill('SIGKILL');
    };
    iwhd.fault = () => {
      pass();
      // Now and then it is away for a moment, or refuses.
      return passed % 17 === 0 ? 503 : passed % 23 === 0 ? 403 : undefined;
    };
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      for (const character of text) if (character === '\n') pass();
    });
    await once(child, 'close');
    if (moments === undefined) expect(child.exitCode).to.equal(0);
    else expect(child.signalCode).to.equal('SIGKILL');
    return output
      .split('\n')
      .slice(0, -1)
      .map(line => JSON.parse(line) as Printed);
  }

  it('deliver every event at least once and in order, and every build to the warehouse', async () => {
    const builds: Exclude<Printed, { readonly delivered: number }>[] = [];
    let newest = 0;
    const follow = (lines: readonly Printed[], message: string): void => {
      const delivered = lines.flatMap(line => ('delivered' in line ? [line.delivered] : []));
      const [first = newest + 1] = delivered;
      expect(first, message).to.be.at.most(newest + 1);
      expect(delivered, message).to.deep.equal(delivered.map((_one, index) => first + index));
      newest = Math.max(newest, ...delivered);
      builds.push(...lines.flatMap(line => ('delivered' in line ? [] : [line])));
    };
    for (let round = 0; round < kills; round++) {
      const moments = 1 + Math.floor(Math.random() * 60);
      follow(await run('build', moments), `round ${round}, killed after ${moments}`);
      const store = openStoreForReading(join(directory, 'store'));
      const found = await store.check().finally(() => store.close());
      expect(found.filter(({ problem }) => !problem.includes('no job works on it'))).to.deep.equal([]);
    }
    follow(await run('finish'), 'the end');
    const store = openStoreForReading(join(directory, 'store'));
    try {
      expect(newest).to.equal(await store.count('events'));
      expect(await store.count('followers')).to.equal(2);
      const problems = await checkFactory(directory, store);
      // Those of builds that were cut short: there are no jobs here that would end them.
      expect(
        problems.filter(({ problem }) => !/no job works on it|images? .* pending/.test(problem)),
      ).to.deep.equal([]);
    } finally {
      await store.close();
    }
    const object = (bucket: string, id: string): Record<string, string> =>
      Object.fromEntries(iwhd.buckets.get(bucket)?.get(id)?.attributes ?? []);
    for (const { build, id, image, template } of builds) {
      expect(object('target_images', id)).to.include({ object_type: 'target_image', build, template });
      expect(object('builds', build)).to.include({ object_type: 'build', image });
      expect(object('images', image)).to.include({ object_type: 'image', template, latest_unpushed: build });
      expect(object('templates', template)).to.include({ object_type: 'template' });
    }
  });
});
