import type { Disagreement } from '../store.js';
import type { Connection, SqlRow } from './driver.js';

interface Rule {
  /** Selects `id` and what the texts need of each record that breaks the rule. */
  readonly sql: string;
  readonly found: (row: Readonly<Record<string, string>>) => Disagreement;
}

const rebuild = 'stop the agent, then run `imagefactory store rebuild`';
const restore = `stop the agent, then run \`imagefactory store restore FILE\` with a backup, or \`imagefactory store rebuild\``;

const rules: readonly Rule[] = [
  {
    sql: "SELECT integrity_check AS id FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
    found: ({ id }) => ({ problem: `the database is damaged: ${id}`, remedy: restore }),
  },
  {
    sql: 'SELECT "table" AS id, parent FROM pragma_foreign_key_check',
    found: ({ id, parent }) => ({
      problem: `a record of ${id} refers to none of ${parent}`,
      remedy: restore,
    }),
  },
  {
    sql: `SELECT jobs.id, images.id AS image, images.status FROM jobs JOIN images ON images.id = jobs.image
      WHERE jobs.status = 'completed' AND jobs.kind <> 'delete' AND images.status IN ('new', 'pending', 'building')`,
    found: ({ id, image, status }) => ({
      problem: `job ${id} is completed, and its image ${image} is ${status}`,
      remedy: rebuild,
    }),
  },
  {
    sql: `SELECT id, status FROM images WHERE status IN ('pending', 'building', 'deleting') AND NOT EXISTS
      (SELECT 1 FROM jobs WHERE jobs.image = images.id AND jobs.status NOT IN ('completed', 'failed'))`,
    found: ({ id, status }) => ({
      problem: `image ${id} is ${status}, and no job works on it`,
      remedy: `start the agent again; if that does not help, ${rebuild}`,
    }),
  },
  {
    sql: `SELECT name AS id, position FROM followers
      WHERE position > coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0)`,
    found: ({ id, position }) => ({
      problem: `follower ${id} is at ${position}, beyond the last event`,
      remedy: rebuild,
    }),
  },
];

/** Integrity of the database and of what its tables say of each other. */
export function checkTables(connection: Connection): readonly Disagreement[] {
  return rules.flatMap(({ sql, found }) => connection.all(sql).map(row => found(textsOf(row))));
}

function textsOf(row: SqlRow): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, String(value ?? '')]));
}
