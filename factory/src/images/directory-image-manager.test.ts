import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { rejection } from '../testing/until.js';
import { DirectoryImageManager } from './directory-image-manager.js';
import { BaseImage, newImageIdentifier, ProviderImage, TargetImage } from './persistent-image.js';

const id = (digit: number): string => `${String(digit).repeat(8)}-1111-4222-8333-444455556666`;

describe('DirectoryImageManager', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'images-test-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  const open = (): Promise<DirectoryImageManager> => DirectoryImageManager.open(directory);
  const read = async (name: string): Promise<Record<string, unknown>> =>
    JSON.parse(await readFile(join(directory, name), 'utf8')) as Record<string, unknown>;

  it('owns the body of what is added, and writes nothing more before it is told to', async () => {
    const images = await open();
    const image = new BaseImage({ template: '<template/>', parameters: { generate_icicle: false } });
    expect(image).to.include({ status: 'NEW', data: undefined });
    await images.addImage(image);
    expect(image.data).to.equal(join(directory, `${image.identifier}.body`));
    expect(await readFile(image.data ?? '', 'utf8')).to.equal('');
    await writeFile(image.data ?? '', 'content');
    image.status = 'BUILDING';
    image.statusDetail = { activity: 'installing packages' };
    expect(await read(`${image.identifier}.meta`)).to.include({ status: 'NEW' });
    await images.saveImage(image);
    expect(await read(`${image.identifier}.meta`)).to.deep.include({
      type: 'BaseImage',
      status: 'BUILDING',
      status_detail: { activity: 'installing packages', error: null },
      data: image.data,
      parameters: { generate_icicle: false },
      sha256: null,
    });
    image.status = 'COMPLETE';
    await images.saveImage(image);
    const again = await (await open()).imageWithId(image.identifier);
    expect(again).to.deep.include({
      kind: 'base',
      status: 'COMPLETE',
      size: 7,
      format: 'raw',
      sha256: createHash('sha256').update('content').digest('hex'),
      created: image.created,
    });
    expect(await readdir(directory)).to.have.lengthOf(2);
  });

  it('keeps each kind with what it has of its own', async () => {
    const images = await open();
    const base = new BaseImage({ os: { name: 'Debian', version: '12', arch: 'x86_64' } });
    const target = new TargetImage({ target: 'mock', baseImageId: base.identifier, icicle: '<icicle/>' });
    const provider = new ProviderImage({
      provider: 'mock-one',
      targetImageId: target.identifier,
      identifierOnProvider: 'Mock_1',
      providerAccountIdentifier: 'me',
      properties: { deep: [{ er: null }] },
    });
    for (const image of [base, target, provider]) {
      await images.addImage(image);
      expect(await images.imageWithId(image.identifier)).to.deep.equal(image);
    }
  });

  it('refuses what it does not manage, what is there already, and changes that cannot be', async () => {
    const [one, two] = [await open(), await open()];
    const image = new TargetImage({ target: 'mock' });
    expect(await rejection(one.saveImage(image))).to.include({
      code: 'not_managed',
      message: `image ${image.identifier} is not managed here; use addImage() first`,
    });
    await one.addImage(image);
    expect(await rejection(one.addImage(image))).to.include({ code: 'exists' });
    expect(await rejection(two.saveImage(image))).to.include({ code: 'not_managed' });
    expect(() => (image.status = 'DELETED')).to.throw('an image cannot go from NEW to DELETED');
  });

  it('does not undo what another one has saved', async () => {
    const [one, two] = [await open(), await open()];
    const image = new TargetImage({ target: 'mock' });
    await one.addImage(image);
    const same = await two.imageWithId(image.identifier);
    if (same === undefined) throw new Error('not there');
    same.percentComplete = 50;
    await two.saveImage(same);
    expect(await rejection(one.saveImage(image))).to.include({ code: 'conflict' });
    expect((await one.imageWithId(image.identifier))?.percentComplete).to.equal(50);
    await two.deleteImageWithId(image.identifier);
    expect(await rejection(two.saveImage(same))).to.include({ code: 'not_found' });
    expect(await readdir(directory)).to.deep.equal([]);
  });

  it('deletes parents with their children only when told to', async () => {
    const images = await open();
    const base = new BaseImage({});
    const target = new TargetImage({ target: 'mock', baseImageId: base.identifier });
    const provider = new ProviderImage({ provider: 'mock-one', targetImageId: target.identifier });
    for (const image of [base, target, provider]) {
      await images.addImage(image, { attachments: { cyclonedx: '{}' } });
    }
    // What the builds of two of them have said; and one that is nothing of theirs.
    for (const { identifier } of [target, provider])
      await writeFile(join(directory, `${identifier}.log`), 'log');
    const other = `${newImageIdentifier()}.log`;
    await writeFile(join(directory, other), 'log');
    expect(await images.attachment(base.identifier, 'cyclonedx')).to.equal('{}');
    expect(await rejection(images.deleteImageWithId(base.identifier)))
      .to.include({ code: 'has_children' })
      .and.property('message')
      .to.include(target.identifier);
    expect(await readdir(directory)).to.have.lengthOf(12);
    expect(await images.deleteImageWithId(base.identifier, { withChildren: true })).to.deep.equal([
      provider.identifier,
      target.identifier,
      base.identifier,
    ]);
    expect(await readdir(directory)).to.deep.equal([other]);
    expect(await rejection(images.deleteImageWithId(base.identifier))).to.include({ code: 'not_found' });
  });

  it('reads what the first version wrote, and what the original wrote', async () => {
    const first = {
      identifier: id(1),
      target: 'mock',
      format: 'raw',
      template: '<template/>',
      callerImageUuid: 'x',
      size: 4,
      sha256: 'ab',
      created: '2026-01-01T00:00:00.000Z',
    };
    const original = {
      status: 'FAILED',
      identifier: id(2),
      target: 'rhevm',
      parameters: {},
      icicle: null,
      data: `/elsewhere/${id(2)}.body`,
      base_image_id: 'nope',
      status_detail: { error: 'no', activity: 'booting' },
      template: null,
      percent_complete: 0,
      type: 'TargetImage',
      properties: {},
    };
    for (const meta of [first, original])
      await writeFile(join(directory, `${meta.identifier}.meta`), JSON.stringify(meta));
    const images = await open();
    expect(await images.imageWithId(id(1))).to.include({
      kind: 'target',
      status: 'COMPLETE',
      percentComplete: 100,
      callerImageUuid: 'x',
      size: 4,
      created: first.created,
    });
    const old = await images.imageWithId(id(2));
    expect(old).to.deep.include({
      status: 'FAILED',
      statusDetail: { activity: 'booting', error: 'no' },
      data: join(directory, `${id(2)}.body`),
    });
    if (old === undefined) throw new Error('not there');
    await images.saveImage(old);
    expect((await images.query({ where: { status: 'FAILED', baseImageId: 'nope' } })).total).to.equal(1);
  });

  it('tells of metadata that cannot be used, and does not let it take the rest down', async () => {
    const texts = [
      '{',
      '[]',
      '{}',
      JSON.stringify({ identifier: id(3), type: 'Sculpture' }),
      JSON.stringify({ identifier: id(4), status: 'MELTED' }),
      JSON.stringify({ identifier: id(5), target: 'mock', size: 'big' }),
      JSON.stringify({ identifier: id(6) }),
    ];
    for (const [index, text] of texts.entries()) await writeFile(join(directory, `${id(index)}.meta`), text);
    await writeFile(join(directory, `${id(0)}.body`), 'precious');
    const images = await open();
    const good = new BaseImage({});
    await images.addImage(good);
    expect((await images.query({})).items.map(item => item.identifier)).to.deep.equal([good.identifier]);
    expect((await images.problems()).map(({ problem }) => problem)).to.have.members([
      'it is no JSON',
      'it is no JSON object',
      "its identifier is not the file's",
      'its type is none of BaseImage, TargetImage and ProviderImage',
      'its status is no status of an image',
      'its field size is not of the right type',
      'it has no target',
    ]);
    const file = join(directory, `${id(0)}.meta`);
    expect(await rejection(images.imageWithId(id(0)))).to.include({
      code: 'corrupt',
      message: `${file} cannot be used: it is no JSON; restore ${file} from a backup, or remove it together with ${join(directory, `${id(0)}.body`)}`,
    });
    expect(await readFile(join(directory, `${id(0)}.body`), 'utf8')).to.equal('precious');
  });

  it('sees what others have changed', async () => {
    const one = await open();
    const two = await DirectoryImageManager.open(directory, { staleness: 0 });
    const total = async (): Promise<number> => (await two.query({ where: { status: 'NEW' } })).total;
    expect(await total()).to.equal(0);
    const images = [new BaseImage({}), new BaseImage({})];
    for (const image of images) await one.addImage(image);
    expect(await total(), 'additions').to.equal(2);
    for (const image of images) {
      image.status = 'BUILDING';
      await one.saveImage(image);
    }
    expect(await total(), 'changes').to.equal(0);
    await writeFile(join(directory, `${images[0]?.identifier ?? ''}.meta`), '{');
    expect(await two.problems()).to.have.lengthOf(1);
    for (const image of images.slice(1)) await one.deleteImageWithId(image.identifier);
    expect((await two.query({})).total, 'deletions').to.equal(0);
  });

  it('finds by long texts too, though it does not keep them in memory', async () => {
    const images = await open();
    await images.addImage(new BaseImage({ template: '<template><name>web</name></template>' }));
    await images.addImage(new BaseImage({}));
    const { items } = await images.query({ where: [{ field: 'template', operator: '~', value: 'WEB' }] });
    expect(items).to.have.lengthOf(1);
    expect((await images.query({ where: { template: null } })).total).to.equal(1);
    expect((await images.query({})).items[0]).not.to.have.property('template');
    expect((await images.imagesFromQuery({ where: { template: null } }))[0]?.template).to.equal(undefined);
  });

  it('looks without changing anything when it is to', async () => {
    const body = `${id(1)}.body`;
    await writeFile(join(directory, body), '');
    const old = new Date(0);
    await utimes(join(directory, body), old, old);
    await DirectoryImageManager.open(directory, { readOnly: true });
    expect(await readdir(directory)).to.deep.equal([body]);
    expect((await open()).leftovers.removed).to.deep.equal([body]);
    expect(await readdir(directory)).to.deep.equal([]);
  });
});
