import { StoreError } from '../errors.js';
import type { Connection } from './driver.js';

/** `application_id` of the database file: "ImFa". */
export const applicationId = 0x496d4661;

/**
 * The statements that lead from each version of the schema to the next; the first makes version 1 of an empty database. A migration that has been
 * released is never changed.
 */
export const migrations: readonly string[] = [
  `
CREATE TABLE orders (
  id TEXT PRIMARY KEY,
  caller TEXT NOT NULL,
  order_key TEXT,
  door TEXT NOT NULL,
  action TEXT NOT NULL,
  created TEXT NOT NULL,
  UNIQUE (caller, order_key)
) STRICT;

CREATE TABLE jobs (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('base', 'target', 'provider', 'delete')),
  status TEXT NOT NULL CHECK (
    status IN ('new', 'preparing', 'queued', 'running', 'finishing', 'completed', 'failed')
  ),
  order_id TEXT NOT NULL REFERENCES orders (id),
  parent TEXT REFERENCES jobs (id) ON DELETE SET NULL,
  image TEXT,
  template TEXT,
  target TEXT,
  provider TEXT,
  parameters TEXT NOT NULL CHECK (json_valid(parameters)),
  door TEXT NOT NULL CHECK (json_valid(door)),
  percent INTEGER NOT NULL CHECK (percent BETWEEN 0 AND 100),
  activity TEXT NOT NULL,
  result TEXT CHECK (json_valid(result)),
  error TEXT CHECK (json_valid(error)),
  resumable INTEGER NOT NULL CHECK (resumable IN (0, 1)),
  interruptions INTEGER NOT NULL CHECK (interruptions >= 0),
  postponed INTEGER NOT NULL CHECK (postponed IN (0, 1)),
  secret INTEGER NOT NULL CHECK (secret IN (0, 1)),
  created TEXT NOT NULL,
  modified TEXT NOT NULL,
  ended TEXT,
  CHECK ((result IS NOT NULL) = (status = 'completed')),
  CHECK ((error IS NOT NULL) = (status = 'failed')),
  CHECK ((ended IS NOT NULL) = (status IN ('completed', 'failed')))
) STRICT;
CREATE INDEX jobs_by_created ON jobs (created, id);
CREATE INDEX jobs_by_status ON jobs (status, created, id);
CREATE INDEX jobs_by_order ON jobs (order_id);
CREATE INDEX jobs_by_parent ON jobs (parent);
CREATE INDEX jobs_by_image ON jobs (image);
CREATE INDEX jobs_by_template ON jobs (template);

CREATE TABLE marks (
  job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('process', 'rollback')),
  name TEXT NOT NULL,
  detail TEXT NOT NULL CHECK (json_valid(detail)),
  PRIMARY KEY (job, kind, name)
) STRICT;

CREATE TABLE image_sets (
  id TEXT PRIMARY KEY,
  description TEXT NOT NULL,
  latest_batch TEXT,
  latest_unpushed TEXT,
  created TEXT NOT NULL
) STRICT;

CREATE TABLE batches (
  id TEXT PRIMARY KEY,
  image_set TEXT NOT NULL REFERENCES image_sets (id),
  parent TEXT,
  created TEXT NOT NULL
) STRICT;
CREATE INDEX batches_by_image_set ON batches (image_set);

CREATE TABLE images (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('base', 'target', 'provider')),
  status TEXT NOT NULL CHECK (
    status IN ('new', 'pending', 'building', 'complete', 'failed', 'deleting', 'deleted', 'delete_failed')
  ),
  parent TEXT,
  batch TEXT REFERENCES batches (id),
  template TEXT,
  target TEXT,
  provider TEXT,
  identifier_on_provider TEXT,
  account TEXT,
  percent INTEGER NOT NULL CHECK (percent BETWEEN 0 AND 100),
  activity TEXT NOT NULL,
  error TEXT,
  format TEXT,
  size INTEGER CHECK (size >= 0),
  sha256 TEXT,
  os TEXT CHECK (json_valid(os)),
  caller_image_uuid TEXT,
  parameters TEXT NOT NULL CHECK (json_valid(parameters)),
  properties TEXT NOT NULL CHECK (json_valid(properties)),
  revision INTEGER NOT NULL,
  created TEXT NOT NULL,
  modified TEXT NOT NULL
) STRICT;
CREATE INDEX images_by_created ON images (created, id);
CREATE INDEX images_by_status ON images (status, created, id);
CREATE INDEX images_by_parent ON images (parent);
CREATE INDEX images_by_batch ON images (batch);
CREATE INDEX images_by_template ON images (template);

CREATE TABLE templates (
  id TEXT PRIMARY KEY,
  text TEXT NOT NULL,
  created TEXT NOT NULL,
  used TEXT NOT NULL
) STRICT;

CREATE TABLE events (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  at TEXT NOT NULL,
  type TEXT NOT NULL,
  job TEXT REFERENCES jobs (id) ON DELETE CASCADE,
  image TEXT,
  data TEXT NOT NULL CHECK (json_valid(data))
) STRICT;
CREATE INDEX events_by_job ON events (job, sequence);
CREATE INDEX events_by_image ON events (image, sequence);

CREATE TABLE followers (
  name TEXT PRIMARY KEY,
  position INTEGER NOT NULL CHECK (position >= 0),
  modified TEXT NOT NULL
) STRICT;
`,
];

/**
 * Makes sure that a database is empty, or the store's in a version that this program knows.
 *
 * @param newest number of the newest version
 * @param name of the database, for messages
 * @throws StoreError `newer_version`, or `damaged` for a database of another program
 */
export function assertOwnVersion(connection: Connection, newest: number, name: string): void {
  const version = pragma(connection, 'user_version');
  const isEmpty = version === 0 && connection.get('SELECT 1 FROM sqlite_schema LIMIT 1') === undefined;
  if (!isEmpty && pragma(connection, 'application_id') !== applicationId)
    throw new StoreError('damaged', `${name} is a database of another program; choose another directory`);
  if (version > newest) {
    throw new StoreError(
      'newer_version',
      `${name} has version ${version} of the schema, and this program knows ${newest}: start the newer program again, or restore a backup of this one`,
    );
  }
}

/** Makes sure that a database has exactly that version. @throws StoreError as {@link assertOwnVersion}, or `invalid` for an older one */
export function assertVersion(connection: Connection, expected: number, name: string): void {
  assertOwnVersion(connection, expected, name);
  const version = pragma(connection, 'user_version');
  if (version === expected) return;
  throw new StoreError(
    'invalid',
    `${name} has version ${version} of the schema, and this program reads ${expected}: start an agent of this version with it, which brings it there`,
  );
}

/** Brings a database to the newest version, each migration in a transaction of its own. */
export function migrate(connection: Connection, steps: readonly string[]): void {
  const version = pragma(connection, 'user_version');
  for (const [index, statements] of steps.entries()) {
    if (index < version) continue;
    connection.transaction(() => {
      connection.exec(statements);
      connection.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${index + 1}`);
    });
  }
}

function pragma(connection: Connection, name: 'user_version' | 'application_id'): number {
  return Number(connection.get(`PRAGMA ${name}`)?.[name] ?? 0);
}
