import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { openStoreForReading } from '@imagefactory/factory/store';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { runProgram } from '../../testing/command.test.fixture.js';
import { TestFactory } from '../../testing/factory.test.fixture.js';

const password = 's3cret-of-root';
const os = `<os><name>Fedora</name><version>14</version><arch>x86_64</arch><rootpw>${password}</rootpw><install type="url"><url>http://h/</url></install></os>`;
const template = `<template><name>web</name>${os}</template>`;

describe('imagefactory store, beside an agent', function () {
  this.timeout(180_000);
  let factory: TestFactory;
  beforeEach(async () => {
    factory = await TestFactory.open();
  });
  afterEach(() => factory.close());

  const check = async (): Promise<string> =>
    (await runProgram('store', 'check', '--imgdir', factory.imageDirectory)).stdout;

  it('finds no disagreement in the records of an agent, before and after its end, a backup and a rebuild', async () => {
    await factory.start(undefined);
    const built = await factory.build({ template });
    await factory.push(built);
    await factory.call('import_image', {
      ...{ image: '', build: '', target_identifier: 'ami-7', image_desc: '<image/>' },
      ...{ target: 'mock', provider: 'mock-two' },
    });
    const failed = await factory.build({
      targets: ['mock'],
      template: '<template><name>no</name></template>',
    });
    expect(await check()).to.equal('no disagreements\n');
    const backup = join(factory.directory, 'backup.db');
    const { stderr } = await runProgram('store', 'backup', backup, '--imgdir', factory.imageDirectory);
    expect(stderr).to.equal('');
    await factory.stop();
    expect(await check()).to.equal('no disagreements\n');
    const rebuilt = await runProgram('store', 'rebuild', '--imgdir', factory.imageDirectory);
    expect(rebuilt.stdout).to.match(/^\d+ images, 3 image sets and \d templates are in the new database\n/);
    expect(await check()).to.equal('no disagreements\n');
    await factory.start(undefined);
    const second = await factory.build({ image: built.image, template });
    await factory.push({ image: failed.image, build: failed.build });
    expect(await check()).to.equal('no disagreements\n');
    await factory.stop();
    const reader = openStoreForReading(join(factory.imageDirectory, 'store'));
    expect(await reader.get('batches', second.build)).to.include({ imageSet: built.image });
    await reader.close();
    for (const name of await readdir(factory.directory, { recursive: true })) {
      const path = join(factory.directory, name);
      if ((await stat(path)).isFile())
        expect((await readFile(path)).includes(password), name).to.equal(false);
    }
    const restored = await runProgram('store', 'restore', backup, '--imgdir', factory.imageDirectory);
    expect(restored).to.include({ status: 0, stderr: '' });
    await factory.start(undefined);
    expect((await factory.push(built, 'mock-three')).status).to.equal('COMPLETED');
  });
});
