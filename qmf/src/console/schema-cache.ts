import { type Schema, type SchemaId, schemaKey } from '../schema/schema.js';

/** Schemas by id; the hash in the id makes them valid for ever, whichever agent they came from. */
export class SchemaCache {
  readonly #schemas = new Map<string, Schema>();
  readonly #loading = new Map<string, Promise<Schema>>();

  find(id: SchemaId): Schema | undefined {
    return id.hash === undefined ? undefined : this.#schemas.get(schemaKey(id));
  }

  add(schema: Schema): void {
    this.#schemas.set(schemaKey(schema.id), schema);
  }

  /**
   * The schema, fetched once however many ask `agent` for it at the same time. Agents are kept apart: one that doesn't answer,
   * or has another version of a class, must not decide for the others.
   */
  async get(agent: string, id: SchemaId, load: () => Promise<Schema>): Promise<Schema> {
    const known = this.find(id);
    if (known !== undefined) return known;
    const key = `${agent} ${schemaKey(id)}`;
    const loading = this.#loading.get(key) ?? this.#load(key, load);
    return loading;
  }

  #load(key: string, load: () => Promise<Schema>): Promise<Schema> {
    const loading = load()
      .then(schema => {
        this.add(schema);
        return schema;
      })
      .finally(() => this.#loading.delete(key));
    this.#loading.set(key, loading);
    return loading;
  }
}
