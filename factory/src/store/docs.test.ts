import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { storeErrorCodes } from './errors.js';
import { Connection } from './sqlite/driver.js';
import { migrate, migrations } from './sqlite/migrations.js';
import { tables } from './sqlite/tables.js';
import {
  deletingTransitions,
  imageTransitions,
  makingTransitions,
  resumptions,
  transitionRows,
} from './states.js';

const page = (name: string): Promise<string> =>
  readFile(fileURLToPath(new URL(`../../../docs/${name}`, import.meta.url)), 'utf8');

/** The part under a heading. */
function section(text: string, heading: string): string {
  return text.split(/^##+ /m).find(part => part.startsWith(`${heading}\n`)) ?? '';
}

describe('documents of the store', () => {
  it('have the tables and columns of the schema, as the queries do', async () => {
    const text = await page('store.md');
    const connection = new Connection(':memory:');
    migrate(connection, migrations);
    const names = connection
      .all("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
      .map(row => String(row['name']));
    expect(names).to.have.members(Object.values(tables).map(({ name }) => name));
    const documented = [...text.matchAll(/^### (\w+)$/gm)].map(match => match[1]);
    expect(documented).to.have.members(names);
    for (const { columns, name } of Object.values(tables)) {
      const schema = connection.all('SELECT name, "notnull" AS required, pk FROM pragma_table_info(?)', [
        name,
      ]);
      expect([...columns.keys()], name).to.have.members(schema.map(row => row['name']));
      const rows = [...section(text, name).matchAll(/^\| `(\w+)` \| (○?)/gm)];
      expect(
        rows.map(match => match[1]),
        name,
      ).to.deep.equal(schema.map(row => row['name']));
      const optional = schema.filter(row => row['required'] === 0 && row['pk'] === 0).map(row => row['name']);
      expect(
        rows.filter(match => match[2] !== '').map(match => match[1]),
        name,
      ).to.deep.equal(optional);
    }
    connection.close();
  });

  it('have queries that the schema answers', async () => {
    const connection = new Connection(':memory:');
    migrate(connection, migrations);
    const queries = [...(await page('store.md')).matchAll(/^sqlite3 -readonly store\.db "([^"]+)"$/gm)];
    expect(queries).to.have.lengthOf(1);
    for (const [, sql = ''] of queries) expect(connection.all(sql)).to.deep.equal([]);
    connection.close();
  });

  it('have the transitions of the code', async () => {
    const states = section(await page('store.md'), 'States');
    const rows = states.split('\n').filter(line => line.startsWith('| `'));
    expect(rows).to.deep.equal(
      [makingTransitions, deletingTransitions, resumptions, imageTransitions].flatMap(transitionRows),
    );
  });

  it('have every code of StoreError', async () => {
    const codes = section(await page('errors.md'), 'Codes of `StoreError`');
    expect([...codes.matchAll(/^\| `(\w+)` \|/gm)].map(match => match[1])).to.deep.equal([
      ...storeErrorCodes,
    ]);
  });
});
