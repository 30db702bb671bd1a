import type { DataAddress } from '../data/data-address.js';
import type { DataItem } from '../data/data-item.js';
import type { DataClass, InputsOf, MethodNamesOf, OutputsOf, ValuesOf } from '../schema/declare.js';
import { decodeValues, type Native } from '../schema/native.js';
import type { SchemaId } from '../schema/schema.js';
import { mapToPlain, type PlainMap } from '../value/convert.js';
import type { ConsoleAgent } from './console-agent.js';
import type { RequestOptions } from './request-table.js';

/** An object of an agent as it was when the agent answered. */
export interface RemoteObject {
  readonly agent: ConsoleAgent;
  /** Absent for data that is no managed object. */
  readonly address: DataAddress | undefined;
  readonly schemaId: SchemaId | undefined;
  readonly values: PlainMap;
  readonly item: DataItem;
}

export function remoteObject(agent: ConsoleAgent, item: DataItem): RemoteObject {
  return { agent, address: item.address, schemaId: item.schemaId, values: mapToPlain(item.values), item };
}

/** An object of a class that was declared in TypeScript. */
export class TypedObject<C extends DataClass> {
  #values: ValuesOf<C>;
  #updateTime: bigint;

  constructor(
    readonly agent: ConsoleAgent,
    readonly dataClass: C,
    readonly address: DataAddress,
    item: DataItem,
  ) {
    this.#values = this.#decode(item);
    this.#updateTime = item.updateTime ?? 0n;
  }

  /** Property values as of the last answer. */
  get values(): Readonly<ValuesOf<C>> {
    return this.#values;
  }

  /** When the object last changed before that answer: nanoseconds since 1970 by the agent's clock, 0 where it doesn't say. */
  get updateTime(): bigint {
    return this.#updateTime;
  }

  /**
   * Asks the agent for the object again.
   *
   * @throws QmfError `schema_unknown` when the agent has it no longer, else as {@link ConsoleAgent.query}
   */
  async refresh(options: RequestOptions = {}): Promise<Readonly<ValuesOf<C>>> {
    const item = await this.agent.fetch(this.address, options);
    this.#values = this.#decode(item);
    this.#updateTime = item.updateTime ?? 0n;
    return this.#values;
  }

  /**
   * Calls a method.
   *
   * @throws QmfError `agent_exception` with the agent's text and code, `timeout`, `aborted`, `connection_lost`, …
   */
  call<N extends MethodNamesOf<C>>(
    method: N,
    inputs: InputsOf<C, N>,
    options: RequestOptions = {},
  ): Promise<OutputsOf<C, N>> {
    const declaration = this.dataClass.schema.methods.find(({ name }) => name === method);
    // Decoded by the declaration that OutputsOf<C, N> is computed from.
    return this.agent.invoke(this.address, method, declaration, inputs, options) as Promise<OutputsOf<C, N>>;
  }

  #decode(item: DataItem): ValuesOf<C> {
    // As above: decoded by the declaration that the type is computed from.
    return decodeValues(this.dataClass.schema.properties, item.values) as ValuesOf<C>;
  }
}

/** Results of a method call, by name. */
export type MethodResult = Readonly<Record<string, Native>>;
