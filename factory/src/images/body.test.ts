import { createHash } from 'node:crypto';
import { mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { rejection } from '../testing/until.js';
import { copyBody, readBody } from './body.js';
import { detectFormat } from './format.js';

describe('bodies of images', () => {
  let directory: string;
  let source: string;
  let copy: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'body-test-'));
    source = join(directory, 'source');
    copy = join(directory, 'copy');
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('are copied whole, with holes where there is nothing', async () => {
    const size = (32 << 20) + 12_345;
    await writeFile(source, '');
    await truncate(source, size);
    const file = await open(source, 'r+');
    await file.write('begin', 0);
    await file.write('middle', (1 << 20) - 3);
    await file.write('end', size - 3);
    await file.close();
    const fractions: number[] = [];
    const facts = await copyBody(source, copy, { onProgress: part => fractions.push(part) });
    const content = await readFile(copy);
    expect(content.equals(await readFile(source))).to.equal(true);
    expect(facts).to.deep.equal({ size, sha256: createHash('sha256').update(content).digest('hex') });
    expect(await readBody(copy)).to.deep.equal(facts);
    expect((await stat(copy)).blocks * 512, 'space on the disk').to.be.lessThan(4 << 20);
    expect(fractions.at(-1)).to.equal(1);
  });

  it('are not copied over something', async () => {
    await writeFile(source, 'new');
    await writeFile(copy, 'old');
    expect(await rejection(copyBody(source, copy))).to.include({ code: 'EEXIST' });
    expect(await readFile(copy, 'utf8')).to.equal('old');
  });

  it('leave nothing when their copy is aborted', async () => {
    await writeFile(source, 'x');
    await rejection(copyBody(source, copy, { signal: AbortSignal.abort() }));
    expect(await readdir(directory)).to.deep.equal(['source']);
  });

  const at = (offset: number, text: string, length = 40_000): Buffer => {
    const bytes = Buffer.alloc(length);
    bytes.write(text, offset, 'latin1');
    return bytes;
  };
  for (const [format, bytes] of [
    ['qcow2', at(0, 'QFI\xfb\0\0\0\x03')],
    ['vmdk', at(0, 'KDMV')],
    ['vmdk', Buffer.from('# Disk DescriptorFile\nversion=1\n')],
    ['vhdx', at(0, 'vhdxfile')],
    ['vpc', at(39_488, 'conectix')],
    ['iso', at(32_769, 'CD001')],
    ['tar', at(257, 'ustar')],
    ['gzip', at(0, '\x1f\x8b\x08')],
    ['raw', at(510, '\x55\xaa')],
    ['raw', Buffer.alloc(0)],
    ['raw', Buffer.from('QF')],
  ] as const) {
    it(`are known as ${format} by their ${bytes.length} bytes`, async () => {
      await writeFile(source, bytes);
      expect(await detectFormat(source)).to.equal(format);
    });
  }
});
