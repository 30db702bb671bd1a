import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { resumptionRows, transitionRows } from '@imagefactory/agent';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { projectRoot } from './support/program.js';

describe('docs/jobs.md', () => {
  it("has the code's tables of a build's transitions", async () => {
    const page = await readFile(join(projectRoot, 'docs/jobs.md'), 'utf8');
    const section = page.split(/^## /m).find(part => part.startsWith('The life of a build')) ?? '';
    const rows = section.split('\n').filter(line => line.startsWith('| `'));
    expect(rows).to.deep.equal([...transitionRows(), ...resumptionRows()]);
  });
});
