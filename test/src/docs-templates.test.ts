import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeProblem, readTemplate, templateRules } from '@imagefactory/agent';
import { expect } from 'chai';
import { before, describe, it } from 'mocha';
import { projectRoot } from './support/program.js';

describe('docs/templates.md', () => {
  let page: string;
  before(async () => {
    page = await readFile(join(projectRoot, 'docs/templates.md'), 'utf8');
  });

  it('shows templates that are valid, or wrong as it says', () => {
    const blocks = [...page.matchAll(/^```xml\n([\s\S]*?)^```\n(?:\n```text\n([\s\S]*?)^```)?/gm)];
    expect(blocks).to.have.lengthOf(3);
    for (const [, text = '', told = ''] of blocks) {
      const form = text.includes('<os>') ? 'complete' : 'partial';
      const { problems } = readTemplate(text, { form });
      const lines = problems.map(problem => {
        const { line, column, severity, rule } = problem;
        return `web.tdl:${line}:${column}: ${severity}: ${describeProblem({ ...problem, line: 0 })} [${rule}]\n`;
      });
      expect(lines.join('')).to.equal(told);
    }
  });

  it('has every rule in the table of its kind', () => {
    const sections = {
      'Errors in the schema': 'error same',
      'Errors that the schema may let pass': 'error stricter',
      'Warnings where the schema has an error': 'warning laxer',
      'Warnings about what is legal': 'warning same',
    };
    for (const [heading, kind] of Object.entries(sections)) {
      const section = page.split(/^### /m).find(part => part.startsWith(heading)) ?? '';
      const rows = [...section.matchAll(/^\| `([\w-]+)` \| (.*) \|$/gm)].map(([, rule, why]) => [rule, why]);
      const rules = Object.entries(templateRules)
        .filter(([, { severity, schema }]) => `${severity} ${schema}` === kind)
        .map(([rule, { why }]) => [rule, why]);
      expect(rows, heading).to.deep.equal(rules);
    }
  });
});
