import type { Uuid } from '../value/value.js';
import type { Access, DataType, Direction, SchemaKind, Severity } from './types.js';

/** A property of a class, or an argument of a method. */
export interface SchemaProperty {
  readonly name: string;
  readonly type: DataType;
  readonly access: Access;
  /** `I` for properties; meaningful for arguments. */
  readonly direction: Direction;
  readonly index: boolean;
  /** In the hash but not on the wire (wire document §4.4). */
  readonly optional: boolean;
  readonly unit: string;
  readonly desc: string;
  readonly subtype: string;
}

export interface SchemaMethod {
  readonly name: string;
  readonly desc: string;
  /** In call order, which positional callers depend on. */
  readonly arguments: readonly SchemaProperty[];
}

/** Names a class; two schemas with the same id are the same. */
export interface SchemaId {
  readonly packageName: string;
  readonly className: string;
  readonly kind: SchemaKind;
  /** Absent where the sender left it out. */
  readonly hash?: Uuid;
}

/** What an agent tells about one class of its objects or events. */
export interface Schema {
  readonly id: SchemaId & { readonly hash: Uuid };
  readonly desc: string;
  /** For events raised without a severity of their own. */
  readonly defaultSeverity: Severity;
  readonly properties: readonly SchemaProperty[];
  readonly methods: readonly SchemaMethod[];
}

/** A schema whose hash is yet to be computed. */
export type SchemaShape = Omit<Schema, 'id'> & { readonly id: Omit<SchemaId, 'hash'> };

/** The key of a schema in maps: package, class, kind and hash. */
export function schemaKey(id: SchemaId): string {
  return `${id.packageName}:${id.className}(${id.kind})${id.hash?.toString() ?? ''}`;
}

export function describeSchemaId(id: SchemaId): string {
  return `${id.packageName}:${id.className}`;
}
