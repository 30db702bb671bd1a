import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { toolPath, whichTool } from './which.js';

describe('whichTool', () => {
  it('finds programs, not other files, in the order of the path', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'which-'));
    try {
      const tool = join(directory, 'sh');
      await writeFile(tool, '#!/bin/sh\n');
      expect(await whichTool('sh', directory)).to.match(/^\/(usr\/)?bin\/sh$/);
      await chmod(tool, 0o755);
      expect(await whichTool('sh', directory)).to.equal(tool);
      expect(await whichTool('no-such-tool', directory)).to.equal(undefined);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('looks where system tools are even if PATH leaves that out', () => {
    expect(toolPath('/opt/bin').split(':')).to.include.members(['/opt/bin', '/usr/sbin', '/sbin']);
    expect(
      toolPath('/usr/sbin::/bin')
        .split(':')
        .filter(part => part === '/usr/sbin'),
    ).to.have.length(1);
  });
});
