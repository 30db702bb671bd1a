import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DirectoryImageManager } from '@imagefactory/factory/images';
import { openStoreForReading } from '@imagefactory/factory/store';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type Iwhd, startIwhd } from '@imagefactory/factory/testing';
import { until } from '@imagefactory/factory/testing';
import { LocalRepository, textOf, WarehouseRepository } from '@imagefactory/factory/warehouse';
import { credentials, TestFactory } from '../testing/factory.test.fixture.js';

const os =
  '<os><name>Fedora</name><version>14</version><arch>x86_64</arch><rootpw>s3cret-of-root</rootpw><install type="url"><url>http://h/</url></install></os>';
const template = `<template><name>web</name>${os}<packages><package name="httpd"/></packages></template>`;

describe('an agent with an image warehouse', function () {
  this.timeout(180_000);
  let iwhd: Iwhd;
  let factory: TestFactory;
  beforeEach(async () => {
    iwhd = await startIwhd();
    factory = await TestFactory.open();
  });
  afterEach(async () => {
    await factory.close();
    await iwhd.stop();
  });

  const object = (bucket: string, id: string | undefined) => iwhd.buckets.get(bucket)?.get(id ?? '');
  const attributes = (bucket: string, id: string | undefined): Record<string, string> =>
    Object.fromEntries(object(bucket, id)?.attributes ?? []);
  const body = (bucket: string, id: string | undefined): string | undefined =>
    object(bucket, id)?.body.toString();
  const port = (): number => Number(new URL(iwhd.url).port);

  it('has stored a build when it is heard to be over: with all that the original stored', async () => {
    await factory.start(iwhd.url);
    const seen: string[][] = [];
    factory.onEnd = () => {
      seen.push(
        [...(iwhd.buckets.get('target_images') ?? [])].map(([, { attributes: a }]) => `${a.get('build')}`),
      );
      seen.push(
        [...(iwhd.buckets.get('images') ?? [])].map(([, { attributes: a }]) => `${a.get('latest_unpushed')}`),
      );
    };
    const { image, build, id, status } = await factory.build({ template });
    expect(status).to.equal('COMPLETED');
    expect(seen).to.deep.equal([[build], [build]]);
    const target = attributes('target_images', id);
    const common = { uuid: id, object_type: 'target_image' };
    expect(target).to.deep.equal({
      ...{ ...common, target: 'mock', build, template: target['template'], icicle: target['icicle'] },
    });
    expect(body('target_images', id)).to.include(':name: web');
    expect(body('icicles', target['icicle'])).to.include('<package name="httpd">');
    expect(attributes('icicles', target['icicle'])).to.include({ object_type: 'icicle' });
    expect(body('templates', target['template'])).to.equal(template.replace('s3cret-of-root', '***'));
    expect(attributes('images', image)).to.deep.equal({
      ...{ uuid: image, object_type: 'image', template: target['template'], latest_unpushed: build },
    });
    expect(body('images', image)).to.equal('<image><name>web</name></image>');
    const { timestamp, ...others } = attributes('builds', build);
    expect(others).to.deep.equal({ uuid: build, object_type: 'build', image });
    expect(timestamp).to.match(/^\d{10}\.\d\d$/);
    expect(Math.abs(Number(timestamp) - Date.now() / 1000)).to.be.lessThan(30);
    await until('nothing waits', () => factory.agent.waitingForWarehouse === 0);
    const log = await readFile(join(factory.imageDirectory, `${id}.log`), 'utf8');
    expect(log).to.match(/storing in the warehouse[\s\S]*stored in the warehouse/);
  });

  it('has stored a push, an import, and what follows from them', async () => {
    await factory.start(iwhd.url);
    const first = await factory.build();
    let heard = '';
    factory.onEnd = () => {
      const [push] = iwhd.buckets.get('provider_images')?.values() ?? [];
      heard = push?.attributes.get('target_identifier') ?? '';
    };
    const push = await factory.push(first);
    expect(push.status).to.equal('COMPLETED');
    expect(heard).to.equal(`Mock_mock-one_${push.id}`);
    expect(attributes('provider_images', push.id)).to.deep.equal({
      uuid: push.id,
      object_type: 'provider_image',
      target_image: first.id,
      provider: 'mock-one',
      target_identifier: heard,
      provider_account_identifier: 'anna',
      icicle: attributes('target_images', first.id)['icicle'],
    });
    // Nobody has listed the packages of this one; its document is there all the same, as in the original.
    expect(body('icicles', attributes('target_images', first.id)['icicle'] ?? '')).to.equal(
      '<icicle></icicle>',
    );
    expect(body('provider_images', push.id)).to.equal(body('target_images', first.id));
    expect(attributes('images', first.image)).to.include({ latest_build: first.build, latest_unpushed: '' });
    const second = await factory.build({ image: first.image });
    expect(attributes('builds', second.build)).to.include({ parent: first.build });
    expect(attributes('images', first.image)).to.include({
      latest_build: first.build,
      latest_unpushed: second.build,
    });
    const imported = await factory.call('import_image', {
      ...{ image: '', build: '', target_identifier: 'ami-7', image_desc: '<image><name>old</name></image>' },
      ...{ target: 'mock', provider: 'mock-two' },
    });
    await until('the import is there', () => factory.agent.waitingForWarehouse === 0);
    const text = (name: string): string => JSON.stringify(imported[name]).slice(1, -1);
    expect(body('target_images', text('target_image'))).to.equal('');
    expect(attributes('provider_images', text('provider_image'))).to.include({
      target_image: text('target_image'),
      target_identifier: 'ami-7',
      provider: 'mock-two',
    });
    expect(attributes('images', text('image'))).to.include({ latest_build: text('build') });
    expect(body('images', text('image'))).to.equal('<image><name>old</name></image>');
    const all = JSON.stringify(
      [...iwhd.buckets].map(([, objects]) =>
        [...objects].map(([, o]) => [...o.attributes, o.body.toString()]),
      ),
    );
    expect(all).not.to.match(/pa55w0rd|None|undefined/);
    expect(credentials).to.include('pa55w0rd');
  });

  it('builds while the warehouse is away, says so, and sends it all when it is back', async () => {
    await iwhd.stop();
    await factory.start(iwhd.url);
    const first = await factory.build({ template });
    const second = await factory.build({ template });
    expect([first.status, second.status]).to.deep.equal(['COMPLETED', 'COMPLETED']);
    const log = await readFile(join(factory.imageDirectory, `${first.id}.log`), 'utf8');
    expect(log).to.match(/not in the warehouse yet: the warehouse at .* cannot be reached.*by itself/);
    expect(
      factory.log.filter(line => /^warn: the warehouse at .*objects wait here and will be sent/.test(line)),
    ).to.have.lengthOf(1);
    for (const { id } of [first, second])
      expect(factory.log.join('\n')).to.include(`info: build ${id} completes without the warehouse`);
    expect(factory.log.filter(line => line.startsWith('warn: '))).to.have.lengthOf(1);
    expect(factory.agent.waitingForWarehouse).to.equal(7);
    iwhd = await startIwhd({ port: port() });
    await until('all is sent', () => factory.agent.waitingForWarehouse === 0);
    for (const { image, build, id } of [first, second]) {
      expect(attributes('target_images', id)).to.include({ build });
      expect(attributes('images', image)).to.include({ latest_unpushed: build });
      expect(attributes('builds', build)).to.include({ image });
    }
    expect(factory.log.filter(line => line.startsWith('notice: the warehouse takes'))).to.have.lengthOf(1);
    expect(factory.log.filter(line => line.startsWith('warn: '))).to.have.lengthOf(1);
  });

  it('sends after a restart what was waiting, each thing in its order', async () => {
    await iwhd.stop();
    await factory.start(iwhd.url);
    const built = await factory.build();
    await factory.stop();
    expect(factory.log.join('\n')).to.match(
      /4 objects wait for the warehouse; the next start with it sends them/,
    );
    iwhd = await startIwhd({ port: port() });
    await factory.start(iwhd.url);
    await until('all is sent', () => factory.agent.waitingForWarehouse === 0);
    expect(attributes('images', built.image)).to.include({ latest_unpushed: built.build });
    const puts = iwhd.requests
      .filter(line => /^PUT \/\w+\/[\w-]+$/.test(line))
      .map(line => line.split('/')[1]);
    expect(puts).to.deep.equal(['templates', 'builds', 'icicles', 'target_images', 'images']);
  });

  it('sends what waited when it was stopped, and nothing of a time without a warehouse', async () => {
    await iwhd.stop();
    await factory.start(iwhd.url);
    const first = await factory.build();
    await factory.stop();
    await factory.start(undefined);
    expect(factory.log.join('\n')).to.match(
      /warn: 4 objects of earlier runs wait for a warehouse, and this agent has none/,
    );
    const without = await factory.build({ image: first.image });
    await factory.stop();
    iwhd = await startIwhd({ port: port() });
    await factory.start(iwhd.url);
    await until('all is sent', () => factory.agent.waitingForWarehouse === 0);
    expect(attributes('target_images', first.id)).to.include({ build: first.build });
    expect(object('builds', without.build)).to.equal(undefined);
  });

  it('takes over the list of a version before the store', async () => {
    await factory.start(undefined);
    const { build, id, image } = await factory.build();
    await factory.build();
    await factory.stop();
    const list = join(factory.imageDirectory, 'warehouse');
    await mkdir(list);
    const lines = Object.entries({ build, target_image: id, image }).map(([kind, uuid]) =>
      JSON.stringify({ do: 'send', kind, id: uuid }),
    );
    await writeFile(join(list, 'waiting-1.jsonl'), `${lines.join('\n')}\n`);
    await factory.start(iwhd.url);
    await until('all is sent', () => factory.agent.waitingForWarehouse === 0);
    expect(attributes('target_images', id)).to.include({ build });
    expect([...(iwhd.buckets.get('images')?.keys() ?? [])]).to.deep.equal([image]);
    expect(await readdir(factory.imageDirectory))
      .to.include('warehouse.old')
      .and.not.include('warehouse');
  });

  it('waits for a slow warehouse, and not when the build is aborted', async () => {
    iwhd.fault = async (method, path) => {
      await new Promise(resolve => setTimeout(resolve, 20));
      return method === 'PUT' && path.includes('target_images') && blocked ? 'hang' : undefined;
    };
    let blocked = false;
    await factory.start(new WarehouseRepository(iwhd.url, { timeout: 60_000 }));
    const slow = await factory.build();
    expect(slow.status).to.equal('COMPLETED');
    expect(attributes('target_images', slow.id)).to.include({ build: slow.build });
    blocked = true;
    const address = await factory.order('build_image', {
      ...{ image: '', build: '', template: '<template/>', targets: ['mock'] },
    });
    await until(
      'it is being stored',
      () => iwhd.requests.filter(line => /^PUT \/target_images\/[\w-]+$/.test(line)).length === 2,
    );
    await factory.abort(address);
    const aborted = await factory.outcome(address);
    expect(aborted.status, 'made already').to.equal('COMPLETED');
    const log = await readFile(join(factory.imageDirectory, `${aborted.id}.log`), 'utf8');
    expect(log).to.match(/not in the warehouse yet: it was cut short: the build was aborted by/);
    expect(factory.log.join('\n')).to.include(`warn: build ${aborted.id} completes without the warehouse`);
    await factory.stop();
    blocked = false;
    await factory.start(iwhd.url);
    await until(
      'it is sent',
      () => attributes('target_images', aborted.id)['object_type'] === 'target_image',
    );
  });

  it('keeps what one bucket refuses, and sends the rest; says who it must be when it is asked', async () => {
    iwhd.fault = (method, path) => (method === 'PUT' && path.startsWith('/templates/') ? 403 : undefined);
    await factory.start(iwhd.url);
    const built = await factory.build();
    expect(built.status).to.equal('COMPLETED');
    expect(attributes('target_images', built.id)).to.include({ build: built.build });
    expect(factory.agent.waitingForWarehouse).to.equal(1);
    expect(factory.log.join('\n')).to.match(
      /warn: template [\w-]+ could not be stored in the warehouse: .*status 403/,
    );
    iwhd.fault = () => undefined;
    await until('it is sent later', () => factory.agent.waitingForWarehouse === 0);
    iwhd.fault = () => 401;
    const another = await factory.build();
    expect(another.status).to.equal('COMPLETED');
    expect(factory.log.join('\n')).to.match(
      /wants to know who asks.*objects? wait.*give the agent a key and a secret/,
    );
    iwhd.fault = () => undefined;
    await until('they are sent later', () => factory.agent.waitingForWarehouse === 0);
    expect(attributes('images', another.image)).to.include({ latest_unpushed: another.build });
  });

  it('names a stored template by its own uuid, and builds nothing from one without passwords', async () => {
    const uuid = '0b7c2f52-6a9e-4f0e-8f0b-0d1c6f9b8c11';
    await new WarehouseRepository(iwhd.url).put(
      'template',
      uuid,
      {},
      '<template><name>stored</name></template>',
    );
    await factory.start(iwhd.url);
    const built = await factory.build({ template: uuid });
    expect(attributes('target_images', built.id)).to.include({ template: uuid });
    expect(attributes('images', built.image)).to.include({ template: uuid });
    await until('nothing waits', () => factory.agent.waitingForWarehouse === 0);
    expect([...(iwhd.buckets.get('templates')?.keys() ?? [])]).to.deep.equal([uuid]);
    const masked = await factory.build({ template });
    const id = attributes('target_images', masked.id)['template'];
    expect(await factory.build({ template: id }).catch(String)).to.match(/kept without its passwords/);
  });

  it('pushes what is only in the warehouse: deleted here, or made by another agent', async () => {
    await factory.start(iwhd.url);
    const built = await factory.build({ template });
    const images = await DirectoryImageManager.open(factory.imageDirectory);
    await images.deleteImageWithId(built.id);
    expect(object('target_images', built.id)).not.to.equal(undefined);
    const push = await factory.push(built);
    expect(push.status).to.equal('COMPLETED');
    expect(body('provider_images', push.id)).to.include(':name: web');
    const fetched = await images.imageWithId(built.id);
    expect(fetched?.template).to.equal(template.replace('s3cret-of-root', '***'));
    expect(fetched?.icicle).to.include('httpd');
    const other = await TestFactory.open();
    try {
      await other.start(iwhd.url);
      const second = await factory.build({ image: built.image });
      const there = await other.push({ image: built.image, build: '' });
      expect(there.status).to.equal('COMPLETED');
      expect(attributes('provider_images', there.id)).to.include({ target_image: second.id });
      expect(attributes('images', built.image)).to.include({
        latest_build: second.build,
        latest_unpushed: '',
      });
      const single = await other.done('provider_image', {
        ...{ image_id: built.id, provider: 'mock-three', credentials },
      });
      expect(single).to.include({ status: 'COMPLETED', image: built.image, build: built.build });
      // A target image stands for its template, also where only the warehouse knows it.
      const third = await TestFactory.open();
      try {
        await third.start(iwhd.url);
        const plain = await factory.build({ template: '<template><name>plain</name></template>' });
        const again = await third.build({ template: plain.id });
        const [mine, theirs] = [plain.id, again.id].map(id => attributes('target_images', id)['template']);
        expect(theirs).to.be.a('string').and.not.equal(plain.id);
        expect(body('templates', theirs ?? '')).to.equal(body('templates', mine ?? ''));
      } finally {
        await third.close();
      }
      expect(attributes('builds', second.build)).to.include({ parent: built.build });
      expect(await other.push({ image: built.id, build: '' }).catch(String)).to.match(/is no image/);
    } finally {
      await other.close();
    }
  });

  it('says why an image in the warehouse could not be pushed, before or after it was accepted', async () => {
    await factory.start(iwhd.url);
    const built = await factory.build();
    const images = await DirectoryImageManager.open(factory.imageDirectory);
    await images.deleteImageWithId(built.id);
    iwhd.fault = (method, path) =>
      method === 'GET' && path === `/target_images/${built.id}` ? 503 : undefined;
    const failed = await factory.push(built);
    expect(failed.status).to.equal('FAILED');
    expect(factory.log.join('\n')).to.match(
      /\(warehouse_unavailable\): Failure encountered while: fetching the image from the warehouse: .*status 503; try again later/,
    );
    iwhd.fault = () => 503;
    expect(await factory.push(built).catch(String)).to.match(/failed with status 503; try again later/);
    iwhd.fault = () => undefined;
    iwhd.buckets.get('target_images')?.delete(built.id);
    expect(await factory.push(built).catch(String)).to.match(
      /was deleted here, and is not in the warehouse; build it again/,
    );
  });

  it('leaves to another agent what that one has written about an image', async () => {
    await factory.start(iwhd.url);
    const mine = await factory.build();
    await factory.push(mine);
    const other = await TestFactory.open();
    try {
      await other.start(iwhd.url);
      const theirs = await other.build({
        image: mine.image,
        template: '<template><name>another</name></template>',
      });
      expect(attributes('images', mine.image)).to.include({
        latest_build: mine.build,
        latest_unpushed: theirs.build,
      });
      expect(body('images', mine.image)).to.equal('<image><name>web</name></image>');
      await factory.push(mine, 'mock-two');
      expect(attributes('images', mine.image), 'not ours to take away').to.include({
        latest_unpushed: theirs.build,
      });
    } finally {
      await other.close();
    }
  });

  it('answers the same from its own directory without a warehouse', async () => {
    await factory.start(undefined);
    const built = await factory.build({ template });
    const push = await factory.push(built);
    expect(await readdir(factory.imageDirectory)).not.to.include('warehouse');
    const images = await DirectoryImageManager.open(factory.imageDirectory, { readOnly: true });
    const store = openStoreForReading(join(factory.imageDirectory, 'store'));
    const local = new LocalRepository(images, store);
    const [target] = await local.find('target_image', { build: built.build, target: 'mock' });
    expect(target?.id).to.equal(built.id);
    expect((await local.get('image', built.image))?.attributes).to.deep.equal({
      ...{ template: target?.attributes.template, latest_build: built.build },
    });
    const [provided] = await local.find('provider_image', { target_image: built.id, provider: 'mock-one' });
    expect(provided?.attributes).to.include({ target_identifier: `Mock_mock-one_${push.id}` });
    const text = async (...of: Parameters<typeof local.body>): Promise<string> =>
      textOf((await local.body(...of))!);
    expect(await text('icicle', target?.attributes.icicle ?? '')).to.include('httpd');
    expect(await text('template', target?.attributes.template ?? '')).to.include('<rootpw>***</rootpw>');
    expect(await text('target_image', built.id)).to.include(':name: web');
    expect((await stat(join(factory.imageDirectory, `${built.id}.body`))).size).to.be.greaterThan(0);
    const error = await local.setAttributes('image', built.image, { latest_build: null }).catch(String);
    expect(error).to.match(/on record as the agent made it/);
    await store.close();
  });
});
