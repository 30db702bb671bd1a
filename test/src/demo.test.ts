import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Program, projectRoot } from './support/program.js';

const demo = (args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) =>
  Program.run(join(projectRoot, 'examples/dist/demo.js'), args, { env });

describe('the demo', () => {
  it('shows a build from events and ends with what was made', async () => {
    const { status, stdout, output } = await demo();
    expect(status, output).to.equal(0);
    expect(stdout).to.match(/^agent +redhat\.com:imagefactory:/m);
    const shown = [...stdout.matchAll(/^([A-Z]+) (\d+)%$/gm)].map(match => match[1]);
    expect([...new Set(shown)]).to.deep.equal(['INITIALIZING', 'BUILDING', 'FINISHING', 'COMPLETED']);
    const value = (name: string) => new RegExp(`^${name} +(.*)$`, 'm').exec(stdout)?.[1] ?? '';
    const image = await readFile(value('image'));
    expect(value('size')).to.equal(`${(await stat(value('image'))).size} bytes`);
    expect(value('format')).to.equal('mock');
    expect(value('sha-256')).to.equal(createHash('sha256').update(image).digest('hex'));
  });

  it('ends with one clear line and a status of its own when something is wrong', async () => {
    const { status, stderr } = await demo(['--target', 'moon']);
    expect(status).to.equal(1);
    expect(stderr.trim().split('\n')).to.have.lengthOf(1);
    expect(stderr).to.match(/^demo: .*"moon" is no target of this agent/);
  });
});
