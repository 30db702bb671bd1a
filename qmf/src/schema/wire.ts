import { QmfError } from '../errors.js';
import { integerOf, mapOf, textOf } from '../value/text.js';
import { nameOf } from '../value/text-limits.js';
import { uint32, Uuid, type Value, type ValueList, type ValueMap } from '../value/value.js';
import type { Schema, SchemaId, SchemaMethod, SchemaProperty } from './schema.js';
import { type Access, type DataType, dataTypeCodes, type Direction, isSeverity, Severity } from './types.js';

/** A schema id as its map (wire document §4.2). The hash must be of type uuid, or C++ consoles lose the whole message. */
export function schemaIdToValue(id: SchemaId): ValueMap {
  const map = new Map<string, Value>([
    ['_package_name', id.packageName],
    ['_class_name', id.className],
    ['_type', id.kind],
  ]);
  if (id.hash !== undefined) map.set('_hash', id.hash);
  return map;
}

/**
 * Reads a schema id leniently: missing names are `''`, which queries take for "any"; anything but `_event` is data.
 *
 * @throws QmfError `malformed_message` for a value that is no map, or a hash that is no uuid.
 */
export function schemaIdFromValue(value: Value | undefined): SchemaId {
  const map = mapOf(value);
  if (map === undefined) throw new QmfError('malformed_message', '_schema_id: a map is expected');
  const hash = map.get('_hash') ?? undefined;
  if (hash !== undefined && !(hash instanceof Uuid)) {
    throw new QmfError('malformed_message', '_schema_id: _hash must be a uuid');
  }
  return {
    packageName: nameOf(map.get('_package_name'), '_package_name') ?? '',
    className: nameOf(map.get('_class_name'), '_class_name') ?? '',
    kind: textOf(map.get('_type')) === '_event' ? '_event' : '_data',
    ...(hash === undefined ? {} : { hash }),
  };
}

/** The map of a whole schema (§4.4), as C++ agents send it. */
export function schemaToValue(schema: Schema): ValueMap {
  const map = new Map<string, Value>([['_schema_id', schemaIdToValue(schema.id)]]);
  if (schema.desc !== '') map.set('_desc', schema.desc);
  if (schema.id.kind === '_event') map.set('_default_severity', uint32(schema.defaultSeverity));
  map.set('_properties', schema.properties.map(propertyToValue));
  map.set('_methods', schema.methods.map(methodToValue));
  return map;
}

function propertyToValue(property: SchemaProperty): ValueMap {
  const map = new Map<string, Value>([
    ['_name', property.name],
    ['_type', `TYPE_${property.type.toUpperCase()}`],
    ['_access', property.access],
    ['_dir', property.direction],
  ]);
  if (property.unit !== '') map.set('_unit', property.unit);
  if (property.desc !== '') map.set('_desc', property.desc);
  if (property.subtype !== '') map.set('_subtype', property.subtype);
  if (property.index) map.set('_index', true);
  if (property.optional) map.set('_optional', true);
  return map;
}

function methodToValue(method: SchemaMethod): ValueMap {
  const map = new Map<string, Value>([['_name', method.name]]);
  if (method.desc !== '') map.set('_desc', method.desc);
  map.set('_arguments', method.arguments.map(propertyToValue));
  return map;
}

/**
 * Reads a schema that an agent sent.
 *
 * @throws QmfError `malformed_message` naming the part that is wrong.
 */
export function schemaFromValue(value: Value): Schema {
  const map = mapOf(value);
  if (map === undefined) throw new QmfError('malformed_message', 'schema: a map is expected');
  const id = schemaIdFromValue(map.get('_schema_id'));
  if (id.hash === undefined) throw new QmfError('malformed_message', 'schema: _schema_id has no _hash');
  const severity = integerOf(map.get('_default_severity'));
  return {
    id: { ...id, hash: id.hash },
    desc: textOf(map.get('_desc')) ?? '',
    defaultSeverity: isSeverity(severity) ? severity : Severity.NOTICE,
    properties: listOf(map.get('_properties'), '_properties').map(propertyFromValue),
    methods: listOf(map.get('_methods'), '_methods').map(methodFromValue),
  };
}

function listOf(value: Value | undefined, what: string): ValueList {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value as ValueList; // Array.isArray does not narrow readonly arrays
  throw new QmfError('malformed_message', `schema: ${what} must be a list`);
}

function propertyFromValue(value: Value): SchemaProperty {
  const map = mapOf(value);
  const name = textOf(map?.get('_name'));
  if (map === undefined || name === undefined)
    throw new QmfError('malformed_message', 'schema: a property without _name');
  return {
    name,
    type: dataTypeFromWire(textOf(map.get('_type')), name),
    access: accessFromWire(textOf(map.get('_access')), name),
    direction: directionFromWire(textOf(map.get('_dir')), name),
    index: map.get('_index') === true,
    optional: map.get('_optional') === true,
    unit: textOf(map.get('_unit')) ?? '',
    desc: textOf(map.get('_desc')) ?? '',
    subtype: textOf(map.get('_subtype')) ?? '',
  };
}

function methodFromValue(value: Value): SchemaMethod {
  const map = mapOf(value);
  const name = textOf(map?.get('_name'));
  if (map === undefined || name === undefined)
    throw new QmfError('malformed_message', 'schema: a method without _name');
  return {
    name,
    desc: textOf(map.get('_desc')) ?? '',
    arguments: listOf(map.get('_arguments'), `_arguments of ${name}`).map(propertyFromValue),
  };
}

function dataTypeFromWire(word: string | undefined, property: string): DataType {
  const type = word?.startsWith('TYPE_') === true ? word.slice('TYPE_'.length).toLowerCase() : undefined;
  if (type !== undefined && isDataType(type)) return type;
  throw new QmfError(
    'malformed_message',
    `schema: property ${property} has the unknown _type ${word ?? '(none)'}`,
  );
}

function isDataType(word: string): word is DataType {
  return Object.hasOwn(dataTypeCodes, word);
}

function accessFromWire(word: string | undefined, property: string): Access {
  if (word === undefined) return 'RO';
  if (word === 'RC' || word === 'RW' || word === 'RO') return word;
  throw new QmfError('malformed_message', `schema: property ${property} has the unknown _access ${word}`);
}

function directionFromWire(word: string | undefined, property: string): Direction {
  if (word === undefined) return 'I';
  if (word === 'I' || word === 'O' || word === 'IO') return word;
  throw new QmfError('malformed_message', `schema: property ${property} has the unknown _dir ${word}`);
}
