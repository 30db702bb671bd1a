import { type Schema, type SchemaId, schemaKey } from '../schema/schema.js';

/** More than the classes of any agent; what was not asked for longest goes first. */
const LIMIT = 1_000;

/**
 * Schemas by agent and id. Agents are kept apart: none is to decide for another what a class means, since the hash in an id cannot be
 * checked, and one that doesn't answer must not keep the others from it.
 */
export class SchemaCache {
  /** The one that was asked for last comes last. */
  readonly #schemas = new Map<string, Schema>();
  readonly #loading = new Map<string, Promise<Schema>>();

  /** @param limit schemas that are kept */
  constructor(private readonly limit = LIMIT) {}

  /** Schemas that are kept at present. */
  get size(): number {
    return this.#schemas.size;
  }

  /** The schema, fetched once however many ask `agent` for it at the same time; one without a hash is fetched each time. */
  async get(agent: string, id: SchemaId, load: () => Promise<Schema>): Promise<Schema> {
    const key = `${agent}\n${schemaKey(id)}`;
    const known = id.hash === undefined ? undefined : this.#schemas.get(key);
    if (known === undefined) return this.#loading.get(key) ?? this.#load(key, load);
    this.#keep(key, known);
    return known;
  }

  #load(key: string, load: () => Promise<Schema>): Promise<Schema> {
    const loading = load()
      .then(schema => {
        this.#keep(key, schema);
        return schema;
      })
      .finally(() => this.#loading.delete(key));
    this.#loading.set(key, loading);
    return loading;
  }

  #keep(key: string, schema: Schema): void {
    this.#schemas.delete(key);
    this.#schemas.set(key, schema);
    if (this.#schemas.size <= this.limit) return;
    for (const oldest of this.#schemas.keys()) {
      this.#schemas.delete(oldest);
      return;
    }
  }
}
