import { StoreError } from '../errors.js';
import type { Image, Job, JsonObject, StoreEvent, StoreEventType, TableName } from '../records.js';
import { imageTransitions, imageWay, isEnd, isJobTransition } from '../states.js';
import type { Change } from '../store.js';
import type { Connection } from './driver.js';
import { givenColumns, recordOf, tables, valuesOf } from './tables.js';

/** The changes that are recorded together. */
export interface Step {
  /** ISO 8601, UTC. */
  readonly at: string;
  /** An array of {@link Change} as JSON. */
  readonly changes: string;
}

/** What a step has done. */
export interface Applied {
  readonly events: readonly StoreEvent[];
  /** Jobs whose secrets are not needed any more. */
  readonly forgotten: readonly string[];
}

type Of<Name extends Change['change']> = Extract<Change, { readonly change: Name }>;

/**
 * Makes the changes of one step within a transaction, and writes its events.
 *
 * @throws StoreError `invalid`, `not_found`, `conflict` or `duplicate_order`; the transaction is to be rolled back then
 */
export function applyStep(connection: Connection, { at, changes }: Step): Applied {
  const step = new StepInWork(connection, at);
  // What SqliteStore.commit has made of its parameter. A caller without types may have given anything; the tables refuse that.
  for (const change of JSON.parse(changes) as readonly Change[]) step.make(change);
  return step;
}

class StepInWork implements Applied {
  readonly events: StoreEvent[] = [];
  readonly forgotten: string[] = [];

  constructor(
    private readonly connection: Connection,
    private readonly at: string,
  ) {}

  make(change: Change): void {
    switch (change.change) {
      case 'order.add':
        this.#addOrder(change);
        return;
      case 'job.add':
        this.#addJob(change);
        return;
      case 'job.state':
        this.#changeState(change);
        return;
      case 'job.update':
        this.#updateJob(change);
        return;
      case 'job.mark':
        this.#mustExist('jobs', change.mark.job);
        this.#replace('marks', change.mark);
        return;
      case 'job.unmark': {
        const { job, kind, name } = change.mark;
        this.connection.run('DELETE FROM marks WHERE job = ? AND kind = ? AND name = ?', [job, kind, name]);
        return;
      }
      case 'job.forget_secret':
        this.#mustExist('jobs', change.id);
        this.#forgetSecret(change.id);
        return;
      case 'job.remove':
        this.#removeJob(change.id);
        return;
      case 'image.put':
        this.#putImage(change);
        return;
      case 'image.update':
        this.#updateImage(change);
        return;
      case 'image.remove':
        this.#removeImage(change);
        return;
      case 'image_set.put':
        this.#put('imageSets', change.imageSet);
        return;
      case 'image_set.remove':
        this.#remove('imageSets', change.id, [['batches', 'image_set']]);
        return;
      case 'batch.put':
        this.#putBatch(change);
        return;
      case 'batch.remove':
        this.#remove('batches', change.id, [['images', 'batch']]);
        return;
      case 'template.put':
        this.#putTemplate(change);
        return;
      case 'template.remove':
        this.#remove('templates', change.id, [
          ['jobs', 'template'],
          ['images', 'template'],
        ]);
        return;
      case 'follower.advance':
        this.#advance(change);
        return;
      case 'follower.remove':
        this.#remove('followers', change.name, []);
        return;
      default:
        throw new StoreError('invalid', `change ${JSON.stringify(change satisfies never)}: there is no such`);
    }
  }

  #addOrder({ order }: Of<'order.add'>): void {
    const { caller, id, orderKey } = order;
    uuid('order', id);
    if (orderKey !== undefined) {
      const sql = 'SELECT id FROM orders WHERE caller = ? AND order_key = ?';
      const existing = this.connection.get(sql, [caller, orderKey]);
      if (existing !== undefined) {
        const message = `order ${String(existing['id'])} has the same caller and key; ask for its jobs`;
        throw new StoreError('duplicate_order', message, String(existing['id']));
      }
    }
    this.#isNew('orders', id);
    this.#insert('orders', { ...order, created: this.at });
  }

  #addJob({ job, secret }: Of<'job.add'>): void {
    const { id, image, kind, orderId, parent, provider, target, template } = job;
    uuid('job', id);
    for (const reference of [image, template]) if (reference !== undefined) uuid('job', reference);
    this.#isNew('jobs', id);
    this.#mustExist('orders', orderId);
    if (parent !== undefined) this.#mustExist('jobs', parent);
    const defaults = { parameters: {}, door: {}, activity: 'accepted', resumable: false };
    this.#insert('jobs', {
      ...{ ...defaults, ...job, status: 'new', percent: 0, interruptions: 0, postponed: false },
      ...{ secret: secret !== undefined, created: this.at, modified: this.at },
    });
    this.#event('job.added', { job: id, image }, { kind, target, provider, parent });
  }

  #changeState({ activity, id, percent, resumed = false, state }: Of<'job.state'>): void {
    const job = this.#job(id);
    const { status } = state;
    if (!isJobTransition(job.kind, job.status, status, resumed))
      throw conflict(`job ${id} cannot go from ${job.status} to ${status}`);
    const outcome =
      status === 'completed' ? { result: state.result } : status === 'failed' ? { error: state.error } : {};
    const progress = { percent: percent ?? job.percent, activity: activity ?? job.activity };
    this.#update('jobs', id, {
      ...{ status, ...outcome, ...progress, modified: this.at },
      ...(isEnd(status) ? { ended: this.at } : {}),
    });
    if (isEnd(status)) this.#forgetSecret(id);
    this.#event(
      'job.state',
      { job: id, image: job.image },
      { from: job.status, to: status, ...progress, ...outcome },
    );
  }

  #updateJob({ change: _change, id, ...values }: Of<'job.update'>): void {
    const job = this.#job(id);
    if (isEnd(job.status)) throw conflict(`job ${id} has ended`);
    this.#update('jobs', id, { ...values, modified: this.at });
    const { activity, percent } = values;
    if (activity === undefined && percent === undefined) return;
    const progress = { percent: percent ?? job.percent, activity: activity ?? job.activity };
    this.#event('job.progress', { job: id, image: job.image }, progress);
  }

  #forgetSecret(id: string): void {
    this.connection.run('UPDATE jobs SET secret = 0 WHERE id = ?', [id]);
    this.forgotten.push(id);
  }

  #removeJob(id: string): void {
    const job = this.#job(id);
    if (!isEnd(job.status))
      throw conflict(`job ${id} is ${job.status}; only a job that has ended can be removed`);
    // A task with a position of its own, FOLLOWER/TASK, names its object and needs no events.
    const behind = this.connection.get(
      "SELECT name FROM followers WHERE position < (SELECT max(sequence) FROM events WHERE job = ?) AND instr(name, '/') = 0",
      [id],
    );
    if (behind !== undefined)
      throw conflict(`follower ${String(behind['name'])} has not passed the events of job ${id}`);
    this.connection.run('DELETE FROM jobs WHERE id = ?', [id]);
    this.connection.run(
      'DELETE FROM orders WHERE id = ? AND NOT EXISTS (SELECT 1 FROM jobs WHERE order_id = orders.id)',
      [job.orderId],
    );
    this.forgotten.push(id);
  }

  #putImage({ ifRevision, image, job }: Of<'image.put'>): void {
    const { batch, id, kind, status } = image;
    uuid('image', id);
    if (batch !== undefined) this.#mustExist('batches', batch);
    if (job !== undefined) this.#mustExist('jobs', job);
    const known = this.#record('images', id);
    const revision = known?.revision ?? 0;
    if (ifRevision !== undefined && ifRevision !== revision)
      throw conflict(`image ${id} has revision ${revision}, not ${ifRevision}; read it again`);
    if (known !== undefined) this.#assertSuccessor(known, image);
    const created = known?.created ?? image.created ?? this.at;
    this.#replace('images', { ...image, revision: revision + 1, created, modified: this.at });
    if (known?.status === status && known.identifierOnProvider === image.identifierOnProvider) return;
    const from = known === undefined ? {} : { from: known.status };
    this.#event('image.state', { job, image: id }, { kind, ...from, to: status, error: image.error });
  }

  #updateImage({ id, job, values }: Of<'image.update'>): void {
    const known = this.#record('images', id);
    if (known === undefined) return;
    const { status = known.status } = values;
    const way = status === known.status ? [] : imageWay(known.status, status).slice(0, -1);
    const about = job === undefined ? {} : { job };
    for (const step of [...way, status])
      this.#putImage({ change: 'image.put', image: { ...known, ...values, status: step }, ...about });
  }

  #assertSuccessor(known: Image, { id, kind, status }: Of<'image.put'>['image']): void {
    if (known.kind !== kind)
      throw conflict(`image ${id} is a ${known.kind} image and cannot become a ${kind} one`);
    if (known.status !== status && !imageTransitions[known.status].includes(status))
      throw conflict(`image ${id} cannot go from ${known.status} to ${status}`);
  }

  #removeImage({ id, job }: Of<'image.remove'>): void {
    const known = this.#needs('images', id);
    if (job !== undefined) this.#mustExist('jobs', job);
    this.connection.run('DELETE FROM events WHERE image = ? AND job IS NULL', [id]);
    this.connection.run('DELETE FROM images WHERE id = ?', [id]);
    this.#event('image.removed', { job, image: id }, { kind: known.kind });
  }

  #putTemplate({ template: { id, text } }: Of<'template.put'>): void {
    const known = this.#record('templates', id);
    if (known === undefined) {
      uuid('template', id);
      this.#insert('templates', { id, text, created: this.at, used: this.at });
    } else if (known.text === text) this.#update('templates', id, { used: this.at });
    else throw conflict(`template ${id} has another text; give this one another id`);
  }

  #advance({ name, position }: Of<'follower.advance'>): void {
    if (!Number.isSafeInteger(position) || position < 0)
      throw new StoreError('invalid', `position of ${name}: the sequence of an event is expected`);
    const known = this.#record('followers', name);
    if (known !== undefined && known.position > position)
      throw conflict(`follower ${name} is at ${known.position} already and cannot go back to ${position}`);
    this.#replace('followers', { name, position, modified: this.at });
  }

  #putBatch({ batch }: Of<'batch.put'>): void {
    const { id, imageSet } = batch;
    this.#mustExist('imageSets', imageSet);
    const owner = this.#record('batches', id)?.imageSet ?? imageSet;
    if (owner !== imageSet) throw conflict(`batch ${id} belongs to image set ${owner}`);
    this.#put('batches', batch);
  }

  /** Adds or changes a record that has a creation time and no state. */
  #put(table: 'imageSets' | 'batches', record: { readonly id: string; readonly created?: string }): void {
    uuid(table, record.id);
    const created = this.#record(table, record.id)?.created ?? record.created ?? this.at;
    this.#replace(table, { ...record, created });
  }

  /** @param users columns of other tables that refer to the record */
  #remove(
    table: 'imageSets' | 'batches' | 'templates' | 'followers',
    id: string,
    users: readonly (readonly [TableName, string])[],
  ): void {
    this.#mustExist(table, id);
    const { key, name } = tables[table];
    for (const [other, column] of users) {
      const user = this.connection.get(`SELECT id FROM ${tables[other].name} WHERE ${column} = ? LIMIT 1`, [
        id,
      ]);
      if (user !== undefined)
        throw conflict(`${name} ${id} is in use by ${tables[other].name} ${String(user['id'])}`);
    }
    this.connection.run(`DELETE FROM ${name} WHERE ${key} = ?`, [id]);
  }

  #event(
    type: StoreEventType,
    about: { readonly job: string | undefined; readonly image: string | undefined },
    data: Readonly<Record<string, JsonObject[string] | object | undefined>>,
  ): void {
    // As it comes back from the database: without the fields that are undefined.
    const text = JSON.stringify({ at: this.at, type, ...about, data });
    const plain = JSON.parse(text) as Omit<StoreEvent, 'sequence'>;
    this.events.push({ sequence: this.#insert('events', plain), ...plain });
  }

  #job(id: string): Job {
    return this.#needs('jobs', id);
  }

  #isNew(table: 'orders' | 'jobs', id: string): void {
    if (this.#exists(table, id)) throw conflict(`${tables[table].name} ${id} exists already`);
  }

  #mustExist(table: TableName, id: string): void {
    if (!this.#exists(table, id)) throw missing(table, id);
  }

  #exists(table: TableName, id: string): boolean {
    const { key, name } = tables[table];
    return this.connection.get(`SELECT 1 FROM ${name} WHERE ${key} = ?`, [id]) !== undefined;
  }

  #needs<T extends TableName>(table: T, id: string): NonNullable<ReturnType<typeof recordOf<T>>> {
    const record = this.#record(table, id);
    if (record === undefined) throw missing(table, id);
    return record;
  }

  #record<T extends TableName>(table: T, id: string): ReturnType<typeof recordOf<T>> | undefined {
    return getRecord(this.connection, table, id);
  }

  /** @returns the rowid */
  #insert(table: TableName, record: object): number {
    return this.connection.run(tables[table].insert, valuesOf(table, record));
  }

  /** Adds a record, or puts it in the place of the one with the same key; a value that is left out is removed. */
  #replace(table: TableName, record: object): void {
    this.connection.run(tables[table].upsert, valuesOf(table, record));
  }

  #update(table: TableName, id: string, given: object): void {
    const columns = givenColumns(table, given);
    const set = [...columns.keys()].map(name => `${name} = ?`).join(', ');
    const sql = `UPDATE ${tables[table].name} SET ${set} WHERE id = ?`;
    this.connection.run(sql, [...columns.values(), id]);
  }
}

/** The record with that key. */
export function getRecord<T extends TableName>(
  connection: Connection,
  table: T,
  key: string | number,
): ReturnType<typeof recordOf<T>> | undefined {
  const { key: column, name } = tables[table];
  const row = connection.get(`SELECT * FROM ${name} WHERE ${column} = ?`, [key]);
  return row === undefined ? undefined : recordOf(table, row);
}

function uuid(field: string, id: string): void {
  if (!/^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/.test(id))
    throw new StoreError('invalid', `${field}: ${JSON.stringify(id.slice(0, 60))} is no uuid in lower case`);
}

function missing(table: TableName, id: string): StoreError {
  return new StoreError('not_found', `${tables[table].name} ${id} does not exist`);
}

function conflict(message: string): StoreError {
  return new StoreError('conflict', message);
}
