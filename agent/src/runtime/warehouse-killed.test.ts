import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DataAddress } from '@imagefactory/qmf';
import { waitingFor } from '@imagefactory/factory/followers';
import { openStoreForReading } from '@imagefactory/factory/store';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type Iwhd, startIwhd } from '@imagefactory/factory/testing';
import { until } from '@imagefactory/factory/testing';
import { TestFactory } from '../testing/factory.test.fixture.js';

const program = fileURLToPath(new URL('../../bin/imagefactory.js', import.meta.url));

describe('an agent that is killed while it stores in the warehouse', function () {
  this.timeout(180_000);
  let iwhd: Iwhd;
  let factory: TestFactory;
  let child: ChildProcess | undefined;
  beforeEach(async () => {
    iwhd = await startIwhd();
    factory = await TestFactory.open();
  });
  afterEach(async () => {
    child?.kill('SIGKILL');
    await factory.close();
    await iwhd.stop();
  });

  async function start(epoch: number, ...options: readonly string[]): Promise<ChildProcess> {
    child = spawn(
      process.execPath,
      [
        ...[program, '--qmf', '--foreground', '--broker', factory.broker.url, '--interval', '1'],
        ...['--imgdir', factory.imageDirectory, '--tmpdir', factory.directory, '--warehouse', iwhd.url],
        ...options,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let state = '';
    await until('the agent has started', async () => {
      state = await readFile(join(factory.imageDirectory, 'agent.json'), 'utf8').catch(() => '');
      return state.includes(`"epoch":${epoch}`);
    });
    // The agent's own file.
    await factory.find(
      `redhat.com:imagefactory:${(JSON.parse(state) as { instance: string }).instance}`,
      epoch,
    );
    return child;
  }

  /** Orders an image, and kills the agent when it has begun to store that in a bucket of the warehouse, which never ends. */
  async function killedWhileStoring(where: string): Promise<DataAddress> {
    iwhd.fault = (method, path) => (method === 'PUT' && path.startsWith(where) ? 'hang' : undefined);
    const killed = await start(1);
    const address = await factory.order('build_image', {
      ...{ image: '', build: '', template: '<template><name>web</name></template>', targets: ['mock'] },
    });
    await until('the image is stored here', async () => {
      const log = await readFile(
        join(factory.imageDirectory, `${address.objectName.split(':').at(-1) ?? ''}.log`),
        'utf8',
      ).catch(() => '');
      return (
        log.includes('storing in the warehouse') &&
        iwhd.requests.some(line => line.startsWith(`PUT ${where}`))
      );
    });
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    return address;
  }

  for (const where of ['/target_images/', '/images/', '/builds/'] as const) {
    it(`sends after its restart what is missing from ${where}`, async () => {
      const address = await killedWhileStoring(where);
      iwhd.fault = () => undefined;
      await start(2);
      const { image, build, id, status } = await factory.outcome(address);
      expect(status).to.equal('COMPLETED');
      const values = (bucket: string, name: string): Record<string, string> =>
        Object.fromEntries(iwhd.buckets.get(bucket)?.get(name)?.attributes ?? []);
      expect(values('target_images', id)).to.include({ object_type: 'target_image', build, target: 'mock' });
      expect(values('images', image)).to.include({ object_type: 'image', latest_unpushed: build });
      expect(values('builds', build)).to.include({ object_type: 'build', image });
      expect(iwhd.buckets.get('target_images')?.get(id)?.body.toString()).to.include(':name: web');
    });
  }

  for (const [limit, end] of [
    ['the time of a build', () => Promise.resolve()],
    ['an abort', (address: DataAddress) => factory.abort(address)],
  ] as const) {
    it(`waits after its restart no longer than ${limit} for a warehouse that is slow`, async () => {
      const address = await killedWhileStoring('/target_images/');
      iwhd.requests.length = 0;
      await start(2, ...(limit === 'an abort' ? [] : ['--timeout', '6']));
      await until('it is sent again', () =>
        iwhd.requests.some(line => line.startsWith('PUT /target_images/')),
      );
      await end(address);
      const { id, status } = await factory.outcome(address);
      expect(status).to.equal('COMPLETED');
      const log = await readFile(join(factory.imageDirectory, `${id}.log`), 'utf8');
      expect(log).to.include('not in the warehouse yet').and.include('was cut short');
      const store = openStoreForReading(join(factory.imageDirectory, 'store'));
      const waiting = await waitingFor(store).finally(() => store.close());
      expect(waiting.map(one => one.id)).to.include(id);
    });
  }
});
