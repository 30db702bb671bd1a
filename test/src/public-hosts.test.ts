import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { describe, it } from 'mocha';

const root = fileURLToPath(new URL('../../', import.meta.url));
const leftOut: ReadonlySet<string> = new Set(['node_modules', 'dist', '.git', '.cache', 'coverage']);
/** By name and end, so that this file has none either. */
const archives = [
  'debian',
  'ubuntu',
  'fedoraproject',
  'centos',
  'rockylinux',
  'almalinux',
  'opensuse',
  'archlinux',
  'alpinelinux',
  'devuan',
  'kali',
  'raspbian',
  'linuxmint',
  'launchpad',
  'launchpadcontent',
  'oracle',
  'cloudfront',
  'fastly',
  'akamai',
  'amazonaws',
  'sourceforge',
  'kernel',
];
const host = new RegExp(`\\b(?:${archives.join('|')})\\.(?:org|com|net|io|de|uk|us|cn)\\b`, 'i');

async function* filesBelow(directory: string): AsyncGenerator<string> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (leftOut.has(entry.name)) continue;
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else if (entry.isFile()) yield path;
  }
}

describe('the sources', () => {
  it('name the host of no public archive: builds take the sources of their machine, examples reserved names', async () => {
    const found: string[] = [];
    let files = 0;
    for await (const path of filesBelow(root)) {
      files += 1;
      if (path.endsWith('package-lock.json')) continue;
      const text = await readFile(path, 'latin1');
      // Not what is compressed, or a program.
      if (text.includes('\0')) continue;
      for (const [index, line] of text.split('\n').entries())
        if (host.test(line))
          found.push(`${path.slice(root.length)}:${index + 1}: ${line.trim().slice(0, 120)}`);
    }
    expect(files).to.be.greaterThan(500);
    expect(found).to.deep.equal([]);
  });
});
