import { Uuid } from '../value/value.js';
import type { Schema, SchemaProperty, SchemaShape } from './schema.js';
import { accessCodes, dataTypeCodes, directionCodes, schemaKindCodes } from './types.js';

const SEED = 0x5a5a5a5a5a5a5a5an;
const TOP_BYTE = 56n;

/**
 * The 128-bit schema hash of libqmf2, bit for bit (wire document §4.7): a shifting checksum over two 64-bit words, fed with
 * names, types and descriptions. Description of the schema itself and default severity are not in it.
 */
export function schemaHash(shape: SchemaShape): Uuid {
  const state = new HashState();
  state.byte(schemaKindCodes[shape.id.kind]);
  state.text(shape.id.packageName);
  state.text(shape.id.className);
  for (const property of shape.properties) feedProperty(state, property);
  for (const method of shape.methods) {
    state.text(method.name);
    state.text(method.desc);
    for (const argument of method.arguments) feedProperty(state, argument);
  }
  return state.result();
}

/** Completes a schema with the hash that libqmf2 computes for the same shape. */
export function finalizeSchema(shape: SchemaShape): Schema {
  return { ...shape, id: { ...shape.id, hash: schemaHash(shape) } };
}

function feedProperty(state: HashState, property: SchemaProperty): void {
  state.text(property.name);
  state.byte(dataTypeCodes[property.type]);
  state.text(property.subtype);
  state.byte(accessCodes[property.access]);
  state.byte(property.index ? 1 : 0);
  state.byte(property.optional ? 1 : 0);
  state.text(property.unit);
  state.text(property.desc);
  state.byte(directionCodes[property.direction]);
}

class HashState {
  #a = SEED;
  #b = SEED;

  byte(value: number): void {
    // C++ adds a plain `char`, which is signed on x86: bytes from 0x80 subtract.
    const signed = BigInt(value < 0x80 ? value : value - 0x100);
    const carried = this.#b >> TOP_BYTE;
    this.#b = BigInt.asUintN(64, (this.#b << 8n) | (this.#a >> TOP_BYTE));
    this.#a = BigInt.asUintN(64, (this.#a << 8n) + signed + carried);
  }

  text(value: string): void {
    for (const byte of Buffer.from(value, 'utf8')) this.byte(byte);
  }

  result(): Uuid {
    const bytes = Buffer.alloc(16);
    bytes.writeBigUInt64LE(this.#a, 0);
    bytes.writeBigUInt64LE(this.#b, 8);
    return new Uuid(bytes);
  }
}
