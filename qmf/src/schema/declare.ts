import type { PlainList, PlainMap } from '../value/convert.js';
import type { Uuid } from '../value/value.js';
import { finalizeSchema } from './hash.js';
import type { Schema, SchemaMethod, SchemaProperty } from './schema.js';
import { type Access, type DataType, type Direction, Severity } from './types.js';

/** A property or event field as a declaration writes it. */
export interface PropertyDeclaration {
  readonly type: DataType;
  readonly access?: Access;
  readonly index?: boolean;
  readonly optional?: boolean;
  readonly unit?: string;
  readonly desc?: string;
  readonly subtype?: string;
}

/** A method argument; the order in the declaration is the order of positional calls. */
export interface ArgumentDeclaration extends PropertyDeclaration {
  readonly dir: Direction;
  /**
   * Callers may leave it out or send null. Neither on the wire nor in the hash (which `optional` is): a courtesy of our
   * agent to positional callers, who cannot leave an argument out and send null instead (wire document §8).
   */
  readonly nullable?: boolean;
}

export interface MethodDeclaration {
  readonly desc?: string;
  readonly arguments: Readonly<Record<string, ArgumentDeclaration>>;
}

type Properties = Readonly<Record<string, PropertyDeclaration>>;
type Methods = Readonly<Record<string, MethodDeclaration>>;

/** A class of managed objects: its wire schema, and the types of its properties and methods. */
export interface DataClass<P extends Properties = Properties, M extends Methods = Methods> {
  readonly kind: '_data';
  readonly schema: Schema;
  readonly properties: P;
  readonly methods: M;
}

/** A class of events: its wire schema, and the types of its fields. */
export interface EventClass<P extends Properties = Properties> {
  readonly kind: '_event';
  readonly schema: Schema;
  readonly properties: P;
}

/**
 * Declares a class of managed objects. Everything follows from the declaration: the schema message, its hash, and the
 * TypeScript types ({@link ValuesOf}, {@link InputsOf}, {@link OutputsOf}).
 */
export function defineData<const P extends Properties, const M extends Methods>(declaration: {
  readonly package: string;
  readonly name: string;
  readonly desc?: string;
  readonly properties: P;
  readonly methods: M;
}): DataClass<P, M> {
  const schema = finalizeSchema({
    id: { packageName: declaration.package, className: declaration.name, kind: '_data' },
    desc: declaration.desc ?? '',
    defaultSeverity: Severity.NOTICE,
    properties: Object.entries(declaration.properties).map(([name, property]) =>
      schemaProperty(name, property, 'I'),
    ),
    methods: Object.entries(declaration.methods).map(([name, method]) => schemaMethod(name, method)),
  });
  return { kind: '_data', schema, properties: declaration.properties, methods: declaration.methods };
}

/** Declares a class of events; `severity` is that of events raised without one of their own. */
export function defineEvent<const P extends Properties>(declaration: {
  readonly package: string;
  readonly name: string;
  readonly desc?: string;
  readonly severity: Severity;
  readonly properties: P;
}): EventClass<P> {
  const schema = finalizeSchema({
    id: { packageName: declaration.package, className: declaration.name, kind: '_event' },
    desc: declaration.desc ?? '',
    defaultSeverity: declaration.severity,
    properties: Object.entries(declaration.properties).map(([name, property]) =>
      schemaProperty(name, property, 'I'),
    ),
    methods: [],
  });
  return { kind: '_event', schema, properties: declaration.properties };
}

function schemaProperty(
  name: string,
  declaration: PropertyDeclaration,
  direction: Direction,
): SchemaProperty {
  return {
    name,
    type: declaration.type,
    access: declaration.access ?? 'RO',
    direction,
    index: declaration.index ?? false,
    optional: declaration.optional ?? false,
    unit: declaration.unit ?? '',
    desc: declaration.desc ?? '',
    subtype: declaration.subtype ?? '',
  };
}

function schemaMethod(name: string, declaration: MethodDeclaration): SchemaMethod {
  return {
    name,
    desc: declaration.desc ?? '',
    arguments: Object.entries(declaration.arguments).map(([argument, property]) =>
      schemaProperty(argument, property, property.dir),
    ),
  };
}

/**
 * The TypeScript type of a QMF data type as programs see it. INT is a number, which is what fields of this size in practice hold; a
 * value beyond 2^53 would arrive as a `bigint` all the same.
 */
export type NativeOf<T extends DataType> = T extends 'bool'
  ? boolean
  : T extends 'int' | 'float'
    ? number
    : T extends 'string'
      ? string
      : T extends 'map'
        ? PlainMap
        : T extends 'list'
          ? PlainList
          : T extends 'uuid'
            ? Uuid
            : null;

/** Names of properties and arguments that must be there. */
type Required<P extends Properties> = {
  [K in keyof P]: P[K] extends { readonly optional: true } | { readonly nullable: true } ? never : K;
}[keyof P];

type Flatten<T> = { [K in keyof T]: T[K] } & {};

/** Property values of a class or event, by its declared names. */
export type ValuesOf<C extends { readonly properties: Properties }> = PropertiesOf<C['properties']>;

type PropertiesOf<P extends Properties> = Flatten<
  { -readonly [K in Required<P>]: NativeOf<P[K]['type']> } & {
    -readonly [K in Exclude<keyof P, Required<P>>]?: NativeOf<P[K]['type']>;
  }
>;

export type MethodNamesOf<C extends DataClass> = keyof C['methods'] & string;

type ArgumentsOf<C extends DataClass, N extends MethodNamesOf<C>> = C['methods'][N]['arguments'];

type Directed<A extends Readonly<Record<string, ArgumentDeclaration>>, D extends Direction> = {
  [K in keyof A as A[K]['dir'] extends D ? K : never]: A[K];
};

/** Arguments that a caller gives to a method, by their declared names. */
export type InputsOf<C extends DataClass, N extends MethodNamesOf<C>> = PropertiesOf<
  Directed<ArgumentsOf<C, N>, 'I' | 'IO'>
>;

/** Arguments that a method gives back, by their declared names. */
export type OutputsOf<C extends DataClass, N extends MethodNamesOf<C>> = PropertiesOf<
  Directed<ArgumentsOf<C, N>, 'O' | 'IO'>
>;
