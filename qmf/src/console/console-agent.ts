import { EventStream } from '../connection/event-stream.js';
import { LONGEST_TIMER, wait } from '../connection/signals.js';
import type { DataAddress } from '../data/data-address.js';
import { type DataItem, dataItemFromValue } from '../data/data-item.js';
import { QmfError } from '../errors.js';
import type { AgentInfo } from '../message/agent-info.js';
import { readListBody, readMapBody } from '../message/content.js';
import type { Envelope } from '../message/envelope.js';
import { contentKindOf, isPartial, type Opcode } from '../message/headers.js';
import { methodRequestToValue, methodResponseFromValue } from '../message/method.js';
import { type QueryRequest, queryToValue } from '../message/query.js';
import type { Predicate } from '../query/index.js';
import type { DataClass } from '../schema/declare.js';
import { decodeValues, encodeNative } from '../schema/native.js';
import { describeSchemaId, type Schema, type SchemaId, type SchemaMethod } from '../schema/schema.js';
import { decodeSchemaResponseV1, encodeSchemaRequestV1, v1Opcode } from '../schema/v1.js';
import { schemaFromValue, schemaIdFromValue } from '../schema/wire.js';
import { toValue } from '../value/convert.js';
import type { Value, ValueMap } from '../value/value.js';
import { expectAnswer } from './answers.js';
import { classQuery, type QueryInput, toQueryRequest } from './query-input.js';
import { type MethodResult, type RemoteObject, remoteObject, TypedObject } from './remote-object.js';
import type { RequestOptions } from './request-table.js';
import type { SchemaCache } from './schema-cache.js';
import { type ObjectSubscription, openSubscription } from './subscription.js';

/** What an agent needs of its session to send requests. */
export interface AgentTransport {
  request(
    agent: ConsoleAgent,
    what: string,
    opcode: Opcode,
    body: ValueMap,
    options: RequestOptions,
    receive: (envelope: Envelope) => boolean,
  ): Promise<void>;
  requestV1(
    agent: ConsoleAgent,
    what: string,
    encode: (sequence: number) => Uint8Array,
    options: RequestOptions,
    receive: (bytes: Uint8Array) => void,
  ): Promise<void>;
  /** Sends without waiting for an answer. */
  notify(agent: ConsoleAgent, opcode: Opcode, body: ValueMap): Promise<void>;
  readonly schemas: SchemaCache;
}

/** An agent that a console knows: ask it, call it. */
export class ConsoleAgent {
  #info: AgentInfo;
  #isInUse = false;

  constructor(
    readonly name: string,
    info: AgentInfo,
    private readonly transport: AgentTransport,
  ) {
    this.#info = info;
  }

  get info(): AgentInfo {
    return this.#info;
  }

  /** @internal called by the session with each heartbeat */
  refreshInfo(info: AgentInfo): void {
    this.#info = info;
  }

  /** @internal whether it was called, or has answered: a console forgets others first */
  get isInUse(): boolean {
    return this.#isInUse;
  }

  /** @internal */
  use(): void {
    this.#isInUse = true;
  }

  toString(): string {
    return this.name;
  }

  /**
   * Objects that match.
   *
   * @throws QmfError `invalid_query`, `agent_exception`, `timeout`, `aborted`, `connection_lost`
   */
  async query(input: QueryInput, options: RequestOptions = {}): Promise<RemoteObject[]> {
    const objects: RemoteObject[] = [];
    await this.#query(toQueryRequest(input), options, items => {
      for (const item of items) objects.push(remoteObject(this, dataItemFromValue(item)));
    });
    return objects;
  }

  /** The same, part by part as the agent sends them, for answers too long to wait for. */
  queryStream(input: QueryInput, options: RequestOptions = {}): AsyncIterableIterator<RemoteObject> {
    const stop = new AbortController();
    const signal =
      options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
    const stream = new EventStream<RemoteObject>(() => stop.abort(), { limit: Number.POSITIVE_INFINITY });
    this.#query(toQueryRequest(input), { ...options, signal }, items => {
      for (const item of items) stream.push(remoteObject(this, dataItemFromValue(item)));
    }).then(
      () => stream.end(),
      (error: unknown) => stream.end(QmfError.from(error, 'connection_lost')),
    );
    return stream;
  }

  /** Objects of a class that was declared in TypeScript. */
  async objects<C extends DataClass>(
    dataClass: C,
    options: RequestOptions & { readonly where?: Predicate } = {},
  ): Promise<TypedObject<C>[]> {
    const objects: TypedObject<C>[] = [];
    await this.#query(classQuery(dataClass, options.where), options, items => {
      for (const value of items) {
        const item = dataItemFromValue(value);
        if (item.address !== undefined)
          objects.push(new TypedObject(this, dataClass, this.#owned(item.address), item));
      }
    });
    return objects;
  }

  /** One object by its address. @throws QmfError `schema_unknown` when there is none */
  async object<C extends DataClass>(
    dataClass: C,
    address: DataAddress,
    options: RequestOptions = {},
  ): Promise<TypedObject<C>> {
    return new TypedObject(this, dataClass, address, await this.fetch(address, options));
  }

  /** @internal the raw item of an address */
  async fetch(address: DataAddress, options: RequestOptions): Promise<DataItem> {
    let found: DataItem | undefined;
    await this.#query({ what: 'OBJECT', objectId: address }, options, items => {
      for (const item of items) found ??= dataItemFromValue(item);
    });
    if (found === undefined) {
      throw new QmfError('schema_unknown', `${this.name} has no object ${address.objectName} (any more)`);
    }
    return found;
  }

  /** Addresses only, where the agent supports it; C++ agents send whole objects, whose addresses are taken. */
  async addresses(input: QueryInput, options: RequestOptions = {}): Promise<RemoteObject[]> {
    return this.query({ ...toQueryRequest(input), what: 'OBJECT_ID' }, options);
  }

  /** Ids of all classes that the agent publishes. */
  async schemaIds(options: RequestOptions = {}): Promise<SchemaId[]> {
    const ids: SchemaId[] = [];
    await this.#query({ what: 'SCHEMA_ID' }, options, items => ids.push(...items.map(schemaIdFromValue)));
    return ids;
  }

  /**
   * A class's schema, from the cache or from the agent; by QMFv1 where the agent knows no other way, as the broker's.
   *
   * @throws QmfError `schema_unknown`
   */
  schema(id: SchemaId, options: RequestOptions = {}): Promise<Schema> {
    // Several callers may wait for one fetch, so each has its own deadline and signal, and the fetch has none of theirs.
    const fetched = this.transport.schemas.get(this.name, id, () =>
      this.#info.capability >= 1 ? this.#schemaV2(id, {}) : this.#schemaV1(id, {}),
    );
    const what = `schema of ${describeSchemaId(id)} at ${this.name}`;
    const limits = { timeout: options.timeout ?? LONGEST_TIMER, signal: options.signal };
    return wait<Schema>(what, limits, (resolve, reject) => {
      fetched.then(resolve, (error: unknown) => reject(QmfError.from(error, 'connection_lost')));
      return () => undefined;
    });
  }

  /**
   * Calls a method by name. Arguments are encoded by the object's schema, which is fetched if need be: only it tells whether
   * 3 is an INT or a FLOAT (wire document §4.5).
   */
  async call(
    object: RemoteObject | { readonly address: DataAddress; readonly schemaId: SchemaId },
    method: string,
    inputs: Readonly<Record<string, unknown>>,
    options: RequestOptions = {},
  ): Promise<MethodResult> {
    const { address, schemaId } = object;
    if (address === undefined)
      throw new QmfError('invalid_argument', 'this is no managed object, it has no address');
    const schema = schemaId === undefined ? undefined : await this.schema(schemaId, options);
    const declaration = schema?.methods.find(({ name }) => name === method);
    if (schema !== undefined && declaration === undefined) {
      const names = schema.methods.map(({ name }) => name).join(', ');
      throw new QmfError(
        'schema_unknown',
        `${describeSchemaId(schema.id)} has no method ${method}; it has ${names === '' ? 'none' : names}`,
      );
    }
    return this.invoke(address, method, declaration, inputs, options);
  }

  /** @internal a call whose declaration is known */
  async invoke(
    address: DataAddress,
    method: string,
    declaration: SchemaMethod | undefined,
    inputs: object,
    options: RequestOptions,
  ): Promise<MethodResult> {
    const body = methodRequestToValue({
      objectId: address,
      method,
      arguments: encodeArguments(method, declaration, inputs),
    });
    let outputs: ValueMap = new Map<string, Value>();
    const what = `${method} at ${this.name}`;
    await this.transport.request(this, what, '_method_request', body, options, envelope => {
      expectAnswer(this.name, envelope, '_method_response');
      outputs = methodResponseFromValue(readMapBody(envelope));
      return true;
    });
    return decodeOutputs(declaration, outputs);
  }

  /**
   * Asks the agent to publish matching objects again and again. Leaving the loop cancels.
   *
   * @param options `interval`: milliseconds between publications; `duration`: seconds until it ends by itself
   */
  subscribe(
    input: QueryInput,
    options: RequestOptions & { readonly interval?: number; readonly duration?: number } = {},
  ): Promise<ObjectSubscription> {
    const { interval, duration } = options;
    const request = {
      query: toQueryRequest(input),
      ...(interval === undefined ? {} : { interval }),
      ...(duration === undefined ? {} : { duration }),
    };
    return openSubscription(this, this.transport, request, options);
  }

  async #query(
    request: QueryRequest,
    options: RequestOptions,
    receive: (items: readonly Value[]) => void,
  ): Promise<void> {
    const what = `query ${request.what} at ${this.name}`;
    await this.transport.request(this, what, '_query_request', queryToValue(request), options, envelope => {
      expectAnswer(this.name, envelope, '_query_response');
      const items = readListBody(envelope);
      receive(contentKindOf(envelope.headers) === '_object_id' ? items.map(idAsItem) : items);
      return !isPartial(envelope.headers);
    });
  }

  async #schemaV2(id: SchemaId, options: RequestOptions): Promise<Schema> {
    let schema: Schema | undefined;
    await this.#query({ what: 'SCHEMA', schemaId: id }, options, items => {
      for (const item of items) schema ??= schemaFromValue(item);
    });
    if (schema === undefined)
      throw new QmfError('schema_unknown', `${this.name} has no class ${describeSchemaId(id)}`);
    return schema;
  }

  async #schemaV1(id: SchemaId, options: RequestOptions): Promise<Schema> {
    const { packageName, className, hash } = id;
    if (hash === undefined) {
      throw new QmfError(
        'schema_unknown',
        `${describeSchemaId(id)}: ${this.name} tells a schema only by its hash`,
      );
    }
    let schema: Schema | undefined;
    await this.transport.requestV1(
      this,
      `schema of ${describeSchemaId(id)} at ${this.name}`,
      sequence => encodeSchemaRequestV1({ sequence, packageName, className, hash }),
      options,
      bytes => {
        // Anything else is a `z`, command complete, with which the broker refuses.
        if (v1Opcode(bytes) === 's') ({ schema } = decodeSchemaResponseV1(bytes));
      },
    );
    if (schema === undefined)
      throw new QmfError('schema_unknown', `${this.name} has no class ${describeSchemaId(id)}`);
    return schema;
  }

  /** The broker leaves its own name out of addresses. */
  #owned(address: DataAddress): DataAddress {
    return address.agentName === '' ? { ...address, agentName: this.name } : address;
  }
}

function idAsItem(value: Value): Value {
  return new Map<string, Value>([['_object_id', value]]);
}

/** Encodes by the declaration; without one, by the values' own types. */
function encodeArguments(method: string, declaration: SchemaMethod | undefined, inputs: object): ValueMap {
  const map = new Map<string, Value>();
  for (const [name, input] of Object.entries(inputs) as [string, unknown][]) {
    if (input === undefined) continue;
    if (declaration === undefined) {
      map.set(name, toValue(input as Parameters<typeof toValue>[0], `argument ${name}`)); // toValue checks at run time
      continue;
    }
    const argument = declaration.arguments.find(
      candidate => candidate.name === name && candidate.direction !== 'O',
    );
    if (argument === undefined) {
      const names = declaration.arguments
        .filter(({ direction }) => direction !== 'O')
        .map(candidate => candidate.name);
      throw new QmfError(
        'invalid_argument',
        `${method} has no argument ${name}; it takes ${names.length > 0 ? names.join(', ') : 'none'}`,
      );
    }
    map.set(name, encodeNative(argument.type, input, `argument ${name}`));
  }
  return map;
}

function decodeOutputs(declaration: SchemaMethod | undefined, outputs: ValueMap): MethodResult {
  return decodeValues(declaration?.arguments ?? [], outputs);
}
