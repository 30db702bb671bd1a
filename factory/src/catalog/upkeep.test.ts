import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import { mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { rejection } from '../testing/until.js';
import { type BatchPlace, Catalog, type Expiry, type ImageDocument } from './index.js';

const completed = { outcome: { status: 'COMPLETED' } } as const;
const failed = { outcome: { status: 'FAILED', type: 'NoSpace', info: 'the disk is full' } } as const;
const fixture = (name: string): string => fileURLToPath(new URL(`${name}.test.fixture.js`, import.meta.url));

/** Everything that is over is old. */
const all: Expiry = { before: '9999', isInUse: () => false };

describe('old records of the catalogue', function () {
  this.timeout(180_000);
  let directory: string;
  let catalog: Catalog;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'upkeep-test-'));
    catalog = Catalog.open(directory);
  });
  afterEach(async () => {
    await catalog.settled();
    await rm(directory, { recursive: true });
  });

  interface Made extends BatchPlace {
    readonly id: string;
  }

  async function build(
    image: string,
    ended?: typeof completed | typeof failed,
    template?: string,
  ): Promise<Made> {
    const place = catalog.place(image, '');
    const id = randomUUID();
    const about = template === undefined ? {} : { template };
    await catalog.addTargetImages(place, '<image/>', [{ id, target: 'mock', adaptor: id, ...about }]);
    if (ended !== undefined) await catalog.ended(id, ended);
    return { ...place, id };
  }

  async function push(
    { image, id: targetImage }: Made,
    ended: typeof completed | typeof failed,
  ): Promise<string> {
    const id = randomUUID();
    await catalog.addProviderImages(image, [{ id, targetImage, provider: `mock-${id}`, adaptor: id }]);
    await catalog.ended(id, ended);
    return id;
  }

  const known = (ids: readonly string[], of = catalog): readonly boolean[] =>
    ids.map(id => of.imageOf(id) !== undefined);
  const names = async (): Promise<readonly string[]> =>
    (await readdir(directory)).filter(name => name !== 'templates');

  it('leave it when all builds of an image have failed, or were deleted, and nothing is left of them', async () => {
    const one = await build('', failed);
    const two = await build('', completed);
    await catalog.deleted([two.id]);
    // What was deleted is no latest build, so nothing refers to it.
    expect(catalog.image(two.image)).not.to.have.property('latestUnpushed');
    expect(await catalog.removeOld(all)).to.deep.equal({ records: 6, templates: 0 });
    expect(await names()).to.deep.equal([]);
    expect(known([one.image, one.build, one.id, two.image, two.id])).to.deep.equal(Array(5).fill(false));
    expect(await catalog.removeOld(all)).to.deep.equal({ records: 0, templates: 0 });
  });

  it('stay while they are younger, are not over, or are in use elsewhere', async () => {
    const one = await build('', failed);
    const running = await build('');
    const made = await build('', completed);
    const young = { ...all, before: new Date(Date.now() - 60_000).toISOString() };
    expect(await catalog.removeOld(young)).to.deep.equal({ records: 0, templates: 0 });
    for (const inUse of [one.id, one.build, one.image])
      await catalog.removeOld({ ...all, isInUse: id => id === inUse });
    expect(known([one.image, running.id, made.id])).to.deep.equal([true, true, true]);
    await catalog.removeOld(all);
    expect(known([one.image, running.id, made.id])).to.deep.equal([false, true, true]);
  });

  it('count from the failure, or from the order under a version that did not note it', async () => {
    const { image, id } = await build('', failed);
    const path = join(directory, `${image}.json`);
    const before = new Date(Date.now() - 60_000).toISOString();
    const aged = (await readFile(path, 'utf8')).replace(/"created":"20\d\d/, '"created":"2019');
    expect(aged).to.include('"created":"2019').and.include('"failed":"20');
    await writeFile(path, aged);
    await catalog.removeOld({ ...all, before });
    expect(known([id])).to.deep.equal([true]);
    await writeFile(path, aged.replace(/,"failed":"[^"]+"/, ''));
    await catalog.removeOld({ ...all, before });
    expect(known([id])).to.deep.equal([false]);
  });

  it('stay with what was made from them: a target image with its provider images', async () => {
    const first = await build('', completed);
    const pushed = await push(first, completed);
    const latest = await build(first.image, completed);
    await push(latest, completed);
    await catalog.deleted([first.id]);
    await catalog.removeOld(all);
    expect(known([first.build, first.id, pushed])).to.deep.equal([true, true, true]);
    await catalog.deleted([pushed]);
    await catalog.removeOld(all);
    // The build is the parent of the one that was pushed last.
    expect(known([first.build, first.id, pushed])).to.deep.equal([true, false, false]);
  });

  it('stay with the build that follows them, and go with it', async () => {
    const first = await build('', completed);
    const second = await build(first.image, completed);
    const third = await build(first.image, completed);
    const bad = await build(first.image, failed);
    await catalog.deleted([first.id, second.id]);
    await catalog.removeOld(all);
    expect(known([first.build, second.build, third.build, bad.build])).to.deep.equal([
      true,
      true,
      true,
      false,
    ]);
    expect(catalog.image(first.image)?.builds.map(({ parent }) => parent)).to.deep.equal([
      undefined,
      first.build,
      second.build,
    ]);
    await catalog.deleted([third.id]);
    await catalog.removeOld(all);
    expect(await names()).to.deep.equal([]);
  });

  it('stay in the latest build, and in the latest one that was not pushed, as they decide which these are', async () => {
    const one = await build('', completed);
    const good = await push(one, completed);
    const bad = await push(one, failed);
    await catalog.deleted([one.id]);
    const before = catalog.image(one.image);
    expect(before).to.include({ latestBuild: one.build });
    expect(await catalog.removeOld(all)).to.deep.equal({ records: 0, templates: 0 });
    expect(catalog.image(one.image)).to.deep.equal(before);
    expect(known([good, bad])).to.deep.equal([true, true]);
  });

  it('take the templates along from which nothing is made any more and nothing was for as long', async () => {
    const put = (name: string): Promise<string> =>
      catalog.templates.put(`<template><name>${name}</name></template>`);
    const [used, unused, young, waiting] = [await put('a'), await put('b'), await put('c'), await put('d')];
    const file = (id: string): string => join(directory, 'templates', `${id}.xml`);
    for (const id of [used, unused, young, waiting]) await utimes(file(id), new Date(0), new Date(0));
    const one = await build('', failed, unused);
    const two = await build('', completed, used);
    // Somebody is going to order a build from it.
    await put('c');
    const expiry = {
      before: new Date(Date.now() - 60_000).toISOString(),
      isInUse: (id: string) => id === waiting,
    };
    expect(await catalog.removeOld(expiry)).to.deep.equal({ records: 0, templates: 0 });
    expect(
      await catalog.removeOld({
        ...all,
        before: new Date(Date.now() + 60_000).toISOString(),
        isInUse: expiry.isInUse,
      }),
    ).to.deep.equal({ records: 3, templates: 2 });
    expect([used, unused, young, waiting].map(id => catalog.templates.get(id) !== undefined)).to.deep.equal([
      true,
      false,
      false,
      true,
    ]);
    expect(known([one.id, two.id])).to.deep.equal([false, true]);
    expect(await readdir(join(directory, 'templates'))).to.have.lengthOf(2);
  });

  it('take no templates along that another agent is removing just now, and go on', async () => {
    for (const name of ['a', 'b', 'c'])
      await catalog.templates.put(`<template><name>${name}</name></template>`);
    const { renameSync } = fs;
    let faster = 0;
    const restore = patched({
      renameSync: (from, to) => {
        if (faster++ === 0) fs.rmSync(from);
        renameSync(from, to);
      },
    });
    try {
      const { templates } = await catalog.removeOld({
        ...all,
        before: new Date(Date.now() + 60_000).toISOString(),
      });
      expect(templates).to.equal(2);
      expect(await readdir(join(directory, 'templates'))).to.deep.equal([]);
    } finally {
      restore();
    }
  });

  it("leave a template alone that is ordered again, be it another user's file", async () => {
    const id = await catalog.templates.put('<template/>');
    const path = join(directory, 'templates', `${id}.xml`);
    await utimes(path, new Date(0), new Date(0));
    // What the system says to who has put a backup back as root, and runs the agent as somebody else.
    const restore = patched({
      utimesSync: () => {
        throw Object.assign(new Error('EPERM: operation not permitted'), { code: 'EPERM' });
      },
    });
    try {
      expect(catalog.templates.renew(id)).to.equal(false);
      expect(await catalog.templates.put('<template/>')).to.equal(id);
    } finally {
      restore();
    }
    const before = new Date(Date.now() - 60_000).toISOString();
    expect(await catalog.removeOld({ ...all, before })).to.deep.equal({ records: 0, templates: 0 });
    expect(catalog.templates.get(id)).to.equal('<template/>');
  });

  it('are removed although one file is damaged, which is told, and no template that it may name', async () => {
    const { image } = await build('', completed);
    const other = await build('', failed, await catalog.templates.put('<template/>'));
    await writeFile(join(directory, `${image}.json`), '{"id":');
    const error = await rejection(catalog.removeOld(all));
    expect(error.message).to.include(`${image}.json is damaged`);
    expect(known([other.id])).to.deep.equal([false]);
    expect(await catalog.templates.identifiers()).to.have.lengthOf(1);
    await rm(join(directory, `${image}.json`));
    await catalog.removeOld({ ...all, before: new Date(Date.now() + 1000).toISOString() });
    expect(await names()).to.deep.equal([]);
    expect(await catalog.templates.identifiers()).to.deep.equal([]);
  });

  it('leave no link behind that leads nowhere', async () => {
    const { image, build: built, id } = await build('', completed);
    for (const link of [randomUUID(), randomUUID()])
      await symlink(`${image}.json`, join(directory, `${link}.json`));
    await symlink(`${randomUUID()}.json`, join(directory, `${randomUUID()}.json`));
    await catalog.removeOld(all);
    expect(await names()).to.have.members([image, built, id].map(one => `${one}.json`));
  });

  it('cannot be pushed any more, also where they left while somebody was about to', async () => {
    const first = await build('', completed);
    const second = await build(first.image, completed);
    await catalog.deleted([first.id]);
    const other = Catalog.open(directory);
    await other.removeOld(all);
    const pushes = [{ id: randomUUID(), targetImage: first.id, provider: 'mock', adaptor: 'a' }];
    const error = await rejection(catalog.addProviderImages(first.image, pushes));
    expect(error.message).to.equal(`target image ${first.id} is not on record any more`);
    expect(known([first.id, second.id])).to.deep.equal([false, true]);
  });

  it('leave nothing else behind when two processes remove them while others go on building', async () => {
    const { image } = await build('', completed);
    for (let number = 0; number < 5; number++) await build(image, failed);
    const sweepers = [0, 1].map(() =>
      spawn(process.execPath, [fixture('sweeper'), directory], { stdio: ['ignore', 'ignore', 'inherit'] }),
    );
    const closed = sweepers.map(sweeper => once(sweeper, 'close'));
    try {
      const changers = [0, 1].map(async () => {
        const child = spawn(process.execPath, [fixture('changer'), directory, image, '20'], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        let text = '';
        child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
        expect(await once(child, 'close')).to.deep.equal([0, null]);
        return text.trim().split('\n');
      });
      const bad: string[] = [];
      for (let number = 0; number < 10; number++) bad.push((await build(image, failed)).id);
      const made = (await Promise.all(changers)).flat();
      expect(made).to.have.lengthOf(40);
      await catalog.removeOld(all);
      expect(known(made)).to.deep.equal(Array(40).fill(true));
      expect(known(bad)).to.deep.equal(Array(10).fill(false));
      expect(catalog.image(image)?.builds).to.have.lengthOf(41);
    } finally {
      for (const sweeper of sweepers) sweeper.kill('SIGKILL');
      await Promise.all(closed);
    }
  });

  it('are removed whole or not at all, whenever the process is killed', async () => {
    const good: string[] = [];
    const before = new Map<string, ImageDocument>();
    for (let number = 0; number < 60; number++) {
      const { image, id } = await build('', number % 3 === 0 ? failed : completed);
      await build(image, failed);
      if (number % 3 !== 0) good.push(id);
      const document = catalog.image(image);
      if (document !== undefined) before.set(image, document);
    }
    let whole = 0;
    for (const pause of [0, 5, 10, 20, 40, 80]) {
      const sweeper = spawn(process.execPath, [fixture('sweeper'), directory], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(sweeper.stdout, 'data');
      await sleep(pause);
      sweeper.kill('SIGKILL');
      await once(sweeper, 'close');
      const reopened = Catalog.open(directory);
      expect(known(good, reopened)).to.deep.equal(Array(good.length).fill(true));
      for (const [id, document] of before) {
        const now = reopened.image(id);
        if (now !== undefined && now.builds.length === document.builds.length) whole++;
        else
          expect(now?.builds ?? []).to.deep.equal(
            document.builds.filter(one => good.includes(one.targetImages[0]?.id ?? '')),
          );
      }
    }
    // Some were killed before they had seen to all.
    expect(whole).to.be.greaterThan(0);
    await catalog.removeOld(all);
    expect((await names()).filter(name => !/^lock|\.part$/.test(name))).to.have.lengthOf(3 * good.length);
  });
});

/** Puts calls of the file system in the place of Node's own, until the result is called. */
function patched(calls: Partial<Pick<typeof fs, 'renameSync' | 'utimesSync'>>): () => void {
  const { renameSync, utimesSync } = fs;
  Object.assign(fs, calls);
  syncBuiltinESMExports();
  return () => {
    Object.assign(fs, { renameSync, utimesSync });
    syncBuiltinESMExports();
  };
}
