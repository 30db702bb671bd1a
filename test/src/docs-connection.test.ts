import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectionTransitions } from '@imagefactory/qmf';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { projectRoot } from './support/program.js';

describe('docs/connection.md', () => {
  it('has the states of a connection as the program has them', async () => {
    const page = await readFile(join(projectRoot, 'docs/connection.md'), 'utf8');
    const section = page.split(/^##+ /m).find(part => part.startsWith('The connection')) ?? '';
    const rows = [...section.matchAll(/^\| `(\w+)` \|[^|]*\|([^|]*)\|$/gm)].map(
      ([, state = '', next = '']) => [state, [...next.matchAll(/\w+/g)].map(([word]) => word)],
    );
    expect(Object.fromEntries(rows)).to.deep.equal(connectionTransitions);
  });
});
