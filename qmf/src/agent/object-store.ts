import type { DataAddress } from '../data/data-address.js';
import type { DataItem } from '../data/data-item.js';
import { QmfError } from '../errors.js';
import type { Schema, SchemaId } from '../schema/schema.js';
import type { Value, ValueMap } from '../value/value.js';
import type { Caller } from './caller.js';
import type { Clock } from './clock.js';
import type { Selector } from './selection.js';

/** Answers a method call on an object: arguments in, results out, both as on the wire and already checked. */
export type WireHandler = (inputs: ValueMap, call: MethodCall) => Promise<ValueMap>;

/** What a method's handler may know of its call. */
export interface MethodCall {
  readonly address: DataAddress | undefined;
  readonly method: string;
  readonly caller: Caller;
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
   * The objects that may be selected, by address or class, as they are now: later changes do not show in the result. The predicate is the
   * caller's to evaluate.
   *
   * @param since nanoseconds; only what has changed after it
   */
  snapshot(selector: Selector, since = -1n): DataItem[] {
    const { objectId } = selector;
    const found = objectId === undefined ? undefined : this.find(objectId);
    const candidates = objectId === undefined ? this.#objects.values() : found === undefined ? [] : [found];
    const items: DataItem[] = [];
    for (const object of candidates) {
      if (object.updateTime > since && isOfClass(selector, object.shownAs.id)) items.push(toItem(object));
    }
    return items;
  }

  /** Those deleted after `since`, nanoseconds, as {@link snapshot} gives what is there. */
  deletedSince(since: bigint, selector: Selector): DataItem[] {
    const { objectId } = selector;
    if (objectId !== undefined && !this.#isOurs(objectId)) return [];
    const recent = this.#tombstones.filter(tombstone => tombstone.deleteTime > since);
    return recent
      .map(({ item }) => item)
      .filter(({ address, schemaId }) =>
        objectId === undefined
          ? schemaId !== undefined && isOfClass(selector, schemaId)
          : address?.objectName === objectId.objectName,
      );
  }
}

/** An address selects whatever class the object is of. */
function isOfClass({ objectId, schemaId }: Selector, { packageName, className }: SchemaId): boolean {
  if (objectId !== undefined || schemaId === undefined) return true;
  return (
    (schemaId.packageName === '' || schemaId.packageName === packageName) &&
    (schemaId.className === '' || schemaId.className === className)
  );
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
