/** A value as JSON has it. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json;
}

/** A JSON Schema, draft-07. Its `title` and `description` are for people. */
export type JsonSchema = JsonObject;
