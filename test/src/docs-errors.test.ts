import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { imageErrorCodes } from '@imagefactory/agent';
import { buildErrorCodes, failureType } from '@imagefactory/plugin-api';
import { qmfErrorCodes } from '@imagefactory/qmf';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Program, programs, projectRoot } from './support/program.js';

/** First cells of the table under a heading, without their backquotes. */
function codesUnder(page: string, heading: string): string[] {
  const section = page.split(/^##+ /m).find(part => part.startsWith(heading)) ?? '';
  return [...section.matchAll(/^\| `(\w+)` \|/gm)].map(match => match[1]!);
}

describe('docs/errors.md', () => {
  it('lists every code of QmfError, with the retry that the code promises', async () => {
    const page = await readFile(join(projectRoot, 'docs/errors.md'), 'utf8');
    expect(codesUnder(page, 'Codes of `QmfError`')).to.have.members(Object.keys(qmfErrorCodes));
    for (const [code, { retryable }] of Object.entries(qmfErrorCodes)) {
      expect(page).to.include(`| \`${code}\` | ${retryable ? 'yes' : 'no'} |`);
    }
  });

  it('lists every type of a failed build', async () => {
    const page = await readFile(join(projectRoot, 'docs/errors.md'), 'utf8');
    expect(codesUnder(page, 'Types of failed builds')).to.have.members([...buildErrorCodes]);
    for (const code of buildErrorCodes) expect(page).to.include(`| \`${code}\` | \`${failureType(code)}\` |`);
  });

  it('lists every exit code of the agent', async () => {
    const page = await readFile(join(projectRoot, 'docs/errors.md'), 'utf8');
    const section = page.split(/^##+ /m).find(part => part.startsWith('Exit codes')) ?? '';
    // The second column is the agent's.
    const listed = [...section.matchAll(/^\| (\d[\d, ]*) \| [^|]/gm)].map(match => match[1]!);
    const { stdout } = await Program.run(programs.agent, ['--help'], {
      cwd: projectRoot,
    });
    const [, help = ''] = stdout.split('Exit codes:');
    expect(listed).to.deep.equal([...help.matchAll(/^ {2}(\d[\d, ]*?) {2}/gm)].map(match => match[1]!));
  });

  it('has every code of ImageError in docs/images.md', async () => {
    const page = await readFile(join(projectRoot, 'docs/images.md'), 'utf8');
    expect(codesUnder(page, 'From a program')).to.have.members([...imageErrorCodes]);
  });
});
