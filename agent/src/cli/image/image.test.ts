import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ImageDocument, ImageSets } from '@imagefactory/factory/images';
import { openStore, type Store } from '@imagefactory/factory/store';
import { withoutJob } from '@imagefactory/factory/testing';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { runProgram } from '../../testing/command.test.fixture.js';
import { buildProgram } from '../program.js';
import { UsageError } from '../usage-error.js';
import { deleteImages, listImages, listWaiting, showImage, verifyStore } from './run.js';
import { BaseImage, DirectoryImageManager, TargetImage } from '@imagefactory/factory/images';

const id = (digit: number): string => `${String(digit).repeat(8)}-1111-4222-8333-444455556666`;

describe('imagefactory image', function () {
  this.timeout(180_000);
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'image-cli-'));
    const images = await DirectoryImageManager.open(directory);
    const base = new BaseImage({
      identifier: id(1),
      status: 'COMPLETE',
      created: '2026-01-02T03:04:05.678Z',
      format: 'raw',
      statusDetail: { activity: 'base image complete' },
    });
    await images.addImage(base, { body: { kind: 'none' } });
    const target = new TargetImage({
      identifier: id(2),
      target: 'openstack-kvm',
      baseImageId: id(1),
      status: 'COMPLETE',
      created: '2026-01-02T03:05:00.000Z',
      statusDetail: { activity: 'target image complete' },
      os: { name: 'Debian', version: '12', arch: 'x86_64' },
      template: '<template>\n\x1b[31m</template>',
      icicle: '<icicle><packages><package name="a"/></packages></icicle>',
    });
    const body = join(directory, 'source');
    await writeFile(body, 'QFI\xfbxxxx', 'latin1');
    await images.addImage(target, { body: { kind: 'move', path: body } });
  });
  afterEach(() => rm(directory, { recursive: true }));

  /** Without a process of its own, which would take ten times as long. */
  async function run(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
    const result = { status: -1, stdout: '', stderr: '' };
    const output = {
      write: (text: string) => void (result.stdout += text),
      complain: (text: string) => void (result.stderr += text.replaceAll(directory, 'DIR')),
    };
    const other = (): Promise<void> => Promise.reject(new Error('another command was called'));
    const set = async (code: Promise<number>): Promise<void> => {
      result.status = await code;
    };
    const program = buildProgram({
      daemon: other,
      doctor: other,
      validateTemplates: other,
      showTemplate: other,
      checkStore: other,
      rebuildStore: other,
      backUpStore: other,
      restoreStore: other,
      listImages: flags => set(listImages(flags, output)),
      showImage: (identifier, flags) => set(showImage(identifier, flags, output)),
      deleteImages: (identifiers, flags) => set(deleteImages(identifiers, flags, output)),
      listWaiting: flags => set(listWaiting(flags, output)),
      verifyImages: (identifier, flags) => set(verifyStore(identifier, flags, output)),
    });
    await program.parseAsync(['image', ...args, '--imgdir', directory], { from: 'user' });
    return result;
  }

  it('lists images as a table, a part of them, and as JSON', async () => {
    expect(await run('list')).to.deep.equal({
      status: 0,
      stderr: '',
      stdout: [
        'IMAGE                                 KIND    FOR            STATUS    FORMAT  SIZE     CREATED',
        `${id(1)}  base    -              COMPLETE  raw     -        2026-01-02T03:04:05Z`,
        `${id(2)}  target  openstack-kvm  COMPLETE  qcow2   8 bytes  2026-01-02T03:05:00Z`,
        '',
      ].join('\n'),
    });
    const page = (await run('list', '--sort=-created', '--limit', '1')).stdout;
    expect(page).to.include(id(2)).and.include('1 of 2 images').and.not.include(id(1));
    const { stdout: json } = await run(
      'list',
      '--where',
      'os.name~deb',
      '--where',
      'size>=8',
      '--kind',
      'target',
      '--json',
    );
    const { images, total } = JSON.parse(json) as { images: { identifier: string }[]; total: number };
    expect([total, images[0]?.identifier]).to.deep.equal([1, id(2)]);
  });

  it('refuses fields and values that were mistyped, and tells which there are', async () => {
    const refusal = async (...args: string[]): Promise<string> => {
      const error: unknown = await run('list', ...args).catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(UsageError);
      return (error as UsageError).message;
    };
    expect(await refusal('--where', 'stauts=FAILED')).to.match(
      /^--where: images have no field stauts; did you mean status\? There are status, identifier, kind, .*os\.name/,
    );
    expect(await refusal('--sort=-craeted')).to.include(
      '--sort: images have no field craeted; did you mean created?',
    );
    expect(await refusal('--where', 'os.nme~deb')).to.include('did you mean os.name?');
    expect(await refusal('--where', 'error~disk')).to.include('did you mean status_detail.error?');
    expect(await refusal('--where', 'zzzzzzzzzz=1')).to.include('no field zzzzzzzzzz; There are identifier');
    expect(await refusal('--where', 'status=failed')).to.match(
      /^--where: status is never "failed"; did you mean FAILED\? It is one of NEW, .*FAILED/,
    );
    expect(await refusal('--where', 'kind!=bas')).to.include('did you mean base?');
    expect(await refusal('--where', 'size>1G')).to.include(
      'size is a number, such as 1048576 or 1e9, and "1G"',
    );
    expect(await refusal('--where', 'percentComplete=all')).to.include('percentComplete is a number');
    for (const asked of [
      'status~FAIL',
      'status=',
      'size>1e3',
      'size~1',
      'size=',
      'baseImageId=x',
      'data~body',
      'statusDetail.error~disk',
    ])
      expect(await run('list', '--where', asked), asked).to.include({ status: 0, stderr: '' });
  });

  it('takes fields that some image has, and says when none has a property', async () => {
    const meta = join(directory, `${id(1)}.meta`);
    const record = JSON.parse(await readFile(meta, 'utf8')) as object;
    await writeFile(meta, JSON.stringify({ ...record, rack: 'b7', properties: { job: '12' } }));
    for (const asked of ['rack=b7', 'properties.job=12']) {
      const found = await run('list', '--where', asked);
      expect(found, asked).to.include({ status: 0, stderr: '' });
      expect(found.stdout, asked).to.include(id(1)).and.not.include(id(2));
    }
    const none = await run('list', '--where', 'properties.jbo=12');
    expect(none).to.include({ status: 0, stderr: 'imagefactory: --where: no image has properties.jbo\n' });
  });

  it('shows one image, without what could upset a terminal', async () => {
    const { status, stdout } = await run('show', id(2));
    expect(status).to.equal(0);
    expect(stdout)
      .to.match(/^base image {2}1{8}-/m)
      .and.match(/^system {6}Debian 12 on x86_64$/m)
      .and.match(/^packages {4}1$/m)
      .and.match(/^template\n {2}<template>\n {3}\[31m<\/template>$/m);
    expect(JSON.parse((await run('show', id(2), '--json')).stdout)).to.include({
      type: 'TargetImage',
      base_image_id: id(1),
    });
    expect(await run('show', id(3))).to.deep.equal({
      status: 1,
      stdout: '',
      stderr: `imagefactory: there is no image ${id(3)} in DIR\n`,
    });
  });

  it('deletes parents with their children only when told to', async () => {
    const refused = await run('delete', id(1));
    expect(refused).to.include({ status: 1, stdout: '' });
    expect(refused.stderr).to.include(`image ${id(1)} is what ${id(2)} was made from`);
    expect((await run('delete', id(1), id(3), '--json')).stdout)
      .to.include('"has_children"')
      .and.include('"not_found"');
    expect(await run('delete', '--with-children', id(1), id(2))).to.deep.equal({
      status: 0,
      stdout: `${id(2)}: deleted\n${id(1)}: deleted\n`,
      stderr: '',
    });
    expect(await readdir(directory)).to.deep.equal([]);
  });

  /** Builds of one image with a finished target image each. @returns their ids */
  async function recorded(...targets: readonly string[]): Promise<readonly string[]> {
    const builds: string[] = [];
    await withSets(async (sets, store) => {
      for (const target of targets) {
        const place = await sets.place(id(9), '');
        await sets.addTargetImages(place, '<image/>', [{ id: target, target: 'mock', adaptor: target }]);
        const completed = { outcome: { status: 'COMPLETED' } } as const;
        await sets.ended(target, completed, changes => store.commit(changes.map(withoutJob)));
        builds.push(place.build);
      }
    });
    return builds;
  }
  async function withSets<T>(work: (sets: ImageSets, store: Store) => Promise<T>): Promise<T> {
    const store = await openStore(join(directory, 'store'));
    return await work(new ImageSets(store), store).finally(() => store.close());
  }
  const imageSet = (): Promise<ImageDocument | undefined> => withSets(sets => sets.image(id(9)));

  it('shows images that an agent is making, and deletes none of them', async () => {
    await withSets(async sets => {
      const place = await sets.place(id(9), '');
      await sets.addTargetImages(place, '<image/>', [{ id: id(7), target: 'mock', adaptor: 'a' }]);
      const listed = await run('list', '--where', 'status=PENDING');
      expect(listed.stdout).to.match(new RegExp(`^IMAGE.*\n${id(7)} +target +mock +PENDING`));
      expect((await run('show', id(7))).stdout).to.include('activity    accepted');
      const { images } = JSON.parse((await run('list', '--json')).stdout) as { images: unknown[] }; // the command's own
      expect(images).to.have.lengthOf(3);
    });
    const refused = await run('delete', id(7));
    expect(refused.stderr).to.match(/a job is making image .*; end that first/);
    expect(refused.status).to.equal(1);
  });

  it('records what it has deleted, and which build can be pushed now', async () => {
    const builds = await recorded(id(4), id(2));
    const standing = async (target: string) =>
      (await imageSet())?.builds.flatMap(({ targetImages }) => targetImages).find(one => one.id === target);
    expect(await imageSet()).to.include({ latestUnpushed: builds[1] });
    expect((await run('delete', id(2))).status).to.equal(0);
    expect(await imageSet()).to.include({ latestUnpushed: builds[0] });
    expect((await standing(id(2)))?.deleted).to.match(/^\d{4}-\d\d-\d\dT.*Z$/);
    expect(await standing(id(4))).not.to.have.property('deleted');
    await withSets(sets => sets.deleted([id(4)]));
    expect(await imageSet()).not.to.have.property('latestUnpushed');
  });

  it('leaves on record what a warehouse has', async () => {
    const [build] = await recorded(id(2));
    await withSets((_sets, store) =>
      store.commit([{ change: 'follower.advance', name: 'warehouse', position: 100 }]),
    );
    expect((await run('delete', id(2))).status).to.equal(0);
    expect(await imageSet()).to.include({ latestUnpushed: build });
  });

  it('tells what has not reached the warehouse, and when it never will', async () => {
    expect(await run('waiting')).to.deep.equal({
      status: 0,
      stdout: 'nothing waits for the warehouse\n',
      stderr: '',
    });
    const waiting = [
      { kind: 'build', id: id(7) },
      { kind: 'target_image', id: id(2) },
    ];
    await withSets((_sets, store) =>
      store.commit(
        waiting.map(one => ({
          change: 'follower.advance',
          name: `warehouse/${one.kind}/${one.id}`,
          position: 0,
        })),
      ),
    );
    expect((await run('waiting')).stdout).to.equal(
      [
        'WAITS FOR THE WAREHOUSE  UUID',
        `build                    ${id(7)}`,
        `target_image             ${id(2)}`,
        '2 in all; the agent sends them by itself, and its log tells what keeps it from that',
        '',
      ].join('\n'),
    );
    expect(JSON.parse((await run('waiting', '--json')).stdout)).to.deep.equal({ waiting });
    expect((await run('delete', id(2))).stderr).to.equal(
      `imagefactory: ${id(2)} had not reached the warehouse yet, and is not sent there any more\n`,
    );
  });

  it('does not take a directory that is not there for an empty store, nor make it', async () => {
    await rm(directory, { recursive: true });
    for (const args of [['list'], ['verify'], ['waiting'], ['delete', id(1)]]) {
      expect(await run(...args)).to.deep.equal({
        status: 1,
        stdout: '',
        stderr: 'imagefactory: DIR is no directory; name the --imgdir of the agent\n',
      });
    }
    await mkdir(directory);
    expect((await run('list')).stdout).to.equal('IMAGE  KIND  FOR  STATUS  FORMAT  SIZE  CREATED\n');
  });

  it('looks where the configuration says that the images are', async () => {
    const config = join(directory, 'imagefactory.conf');
    await writeFile(config, JSON.stringify({ imgdir: directory }));
    const command = (...args: string[]) => runProgram('--config', config, ...args);
    expect((await command('image', 'list')).stdout).to.include(id(2));
    expect((await command('image', 'list', '--imgdir', '/etc')).stdout).not.to.include(id(2));
    expect((await command('template', 'show', id(2))).stderr).to.include(`${id(2)}:`);
    await writeFile(config, '{');
    expect(await command('image', 'list')).to.deep.include({ status: 2, stdout: '' });
  });

  it('is a command, with exit codes', async () => {
    const command = (...args: string[]) => runProgram('image', ...args);
    const wrong = await command('list', '--where', 'nonsense');
    expect(wrong.status).to.equal(2);
    expect(wrong.stderr).to.include('Give FIELD, one of =');
    expect((await command('show', id(3), '--imgdir', directory)).status).to.equal(1);
    expect(await command('list', '--where', 'stauts=NEW', '--imgdir', directory)).to.include({
      status: 2,
      stdout: '',
    });
  });

  it('finds damage', async () => {
    expect(await run('verify')).to.include({ status: 0, stdout: '2 images: nothing is wrong\n' });
    await writeFile(join(directory, `${id(2)}.body`), 'QFI.xxxx');
    await writeFile(join(directory, `${id(4)}.meta`), '{');
    const { status, stdout } = await run('verify');
    expect(status).to.equal(6);
    expect(stdout)
      .to.include('[body_changed]')
      .and.include('[corrupt_metadata]')
      .and.include('2 images: 2 problems');
    expect((await run('verify', id(2), '--quick')).status).to.equal(0);
    expect((await run('verify', id(3))).status).to.equal(1);
    expect((await run('list')).stderr).to.include(`${id(4)}.meta: it is no JSON; restore`);
  });
});
