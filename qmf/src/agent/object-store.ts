import type { DataAddress } from '../data/data-address.js';
import type { DataItem } from '../data/data-item.js';
import { QmfError } from '../errors.js';
import type { QueryRequest } from '../message/query.js';
import { evaluatePredicate, predicateFromValue } from '../query/index.js';
import type { Schema } from '../schema/schema.js';
import type { Value, ValueMap } from '../value/value.js';
import type { Clock } from './clock.js';

/** Answers a method call on an object: arguments in, results out, both as on the wire and already checked. */
export type WireHandler = (inputs: ValueMap, call: MethodCall) => Promise<ValueMap>;

/** What a method's handler may know of its call. */
export interface MethodCall {
  readonly address: DataAddress | undefined;
  readonly method: string;
  /** As the caller claims; trustworthy only where the broker checks it. */
  readonly userId: string | undefined;
  /** Aborted when the session closes. */
  readonly signal: AbortSignal;
  /** Runs `action` once the answer is on its way, e.g. to raise the first event about what the call started. */
  afterReply(action: () => void): void;
}

export interface StoredObject {
  /** Another one once its agent was renamed. */
  address: DataAddress;
  readonly schema: Schema;
  /** The class that consoles are told of. */
  readonly shownAs: Schema;
  readonly handlers: ReadonlyMap<string, WireHandler>;
  values: ValueMap;
  /** Nanoseconds since 1970. */
  readonly createTime: bigint;
  updateTime: bigint;
}

/** A deleted object, kept for subscribers until they have heard of it. */
export interface Tombstone {
  readonly item: DataItem;
  readonly deleteTime: bigint;
}

const MAX_TOMBSTONES = 1_000;

/** The managed objects of one agent, by object name. */
export class ObjectStore {
  readonly #objects = new Map<string, StoredObject>();
  readonly #tombstones: Tombstone[] = [];

  /** Names that the agent has had; callers may know its objects by them. */
  readonly #names: Set<string>;

  constructor(
    agentName: string,
    private readonly clock: Clock,
  ) {
    this.#names = new Set([agentName]);
  }

  /** Gives all objects addresses of another agent. */
  rename(agentName: string): void {
    this.#names.add(agentName);
    for (const object of this.#objects.values()) object.address = { ...object.address, agentName };
  }

  get size(): number {
    return this.#objects.size;
  }

  /** @throws QmfError `invalid_argument` when the name is taken. */
  add(entry: Pick<StoredObject, 'address' | 'schema' | 'shownAs' | 'handlers' | 'values'>): StoredObject {
    const { objectName } = entry.address;
    if (objectName === '')
      throw new QmfError('invalid_argument', 'name: an object needs a name that is not empty');
    if (this.#objects.has(objectName)) {
      throw new QmfError(
        'invalid_argument',
        `Duplicate Data Address: an object '${objectName}' exists already`,
      );
    }
    const now = this.clock.now();
    const object: StoredObject = { ...entry, createTime: now, updateTime: now };
    this.#objects.set(objectName, object);
    return object;
  }

  update(object: StoredObject, changes: ValueMap): void {
    object.values = new Map<string, Value>([...object.values, ...changes]);
    object.updateTime = this.clock.now();
  }

  remove(object: StoredObject): void {
    if (this.#objects.get(object.address.objectName) !== object) return;
    this.#objects.delete(object.address.objectName);
    const deleteTime = this.clock.now();
    this.#tombstones.push({ item: { ...toItem(object), deleteTime }, deleteTime });
    if (this.#tombstones.length > MAX_TOMBSTONES) this.#tombstones.shift();
  }

  /** By object name; an absent agent name means this agent, the epoch does not count (wire document §4.1). */
  find(address: DataAddress): StoredObject | undefined {
    return this.#isOurs(address) ? this.#objects.get(address.objectName) : undefined;
  }

  #isOurs({ agentName }: DataAddress): boolean {
    return agentName === '' || this.#names.has(agentName);
  }

  /**
   * Objects that a query of kind OBJECT or OBJECT_ID selects.
   *
   * @throws QmfError `invalid_query` for a query that selects by nothing, or a wrong predicate
   */
  select(query: QueryRequest): StoredObject[] {
    if (query.objectId !== undefined) {
      const found = this.find(query.objectId);
      return found === undefined ? [] : [found];
    }
    const matches = objectFilter(query);
    return [...this.#objects.values()].filter(object => matches(object.shownAs, object.values));
  }

  /** What was deleted after `since` and the query would have selected. */
  deletedSince(since: bigint, query: QueryRequest): Tombstone[] {
    const recent = this.#tombstones.filter(tombstone => tombstone.deleteTime > since);
    const { objectId } = query;
    if (objectId !== undefined) {
      if (!this.#isOurs(objectId)) return [];
      return recent.filter(({ item }) => item.address?.objectName === objectId.objectName);
    }
    const matches = objectFilter(query);
    return recent.filter(
      ({ item }) => item.schemaId !== undefined && matches({ id: item.schemaId }, item.values),
    );
  }
}

type ObjectFilter = (
  schema: Pick<Schema, 'id'> | { id: NonNullable<DataItem['schemaId']> },
  values: ValueMap,
) => boolean;

/** A predicate is checked before any object is looked at; the C++ agent finds out only when there is one (§3.3). */
function objectFilter(query: QueryRequest): ObjectFilter {
  const { schemaId, where } = query;
  if (schemaId === undefined && where === undefined) {
    throw new QmfError('invalid_query', 'Query is Invalid: give an _object_id, a _schema_id or a _where');
  }
  const predicate = where === undefined || where.length === 0 ? undefined : predicateFromValue(where);
  return ({ id }, values) =>
    (schemaId === undefined || schemaId.packageName === '' || schemaId.packageName === id.packageName) &&
    (schemaId === undefined || schemaId.className === '' || schemaId.className === id.className) &&
    (predicate === undefined || evaluatePredicate(predicate, values));
}

export function toItem(object: StoredObject): DataItem {
  return {
    values: object.values,
    address: object.address,
    schemaId: object.shownAs.id,
    createTime: object.createTime,
    updateTime: object.updateTime,
    deleteTime: 0n,
  };
}
