import { readFileSync } from 'node:fs';
import { Float, Int, type IntType, Uuid, type Value, type ValueMap } from '../value/value.js';
import { intTypes } from './value.arbitrary.js';

/** The recorded bytes of `test/vectors` for tests; not part of the package's door. */

/** A value and its encoding by the C++ library as `amqp/map` or `amqp/list` body. */
export interface MapVector {
  readonly name: string;
  readonly contentType: 'amqp/map' | 'amqp/list';
  readonly value: unknown;
  readonly hex?: string;
  /** Of long ones only the beginning was kept, and the length. */
  readonly prefixHex?: string;
  readonly bytes?: number;
}

/** A message as an AMQP 1.0 receiver got it from qpidd, and a readable form of it. */
export interface RecordedMessage {
  readonly name: string;
  readonly message: Readonly<Record<string, unknown>>;
  readonly hex: string;
}

const folder = new URL('../../test/vectors/', import.meta.url);

function readVectors(file: string): unknown {
  return JSON.parse(readFileSync(new URL(file, folder), 'utf8'));
}

// Our own files, whose shape the interfaces above describe.
export const mapVectors = readVectors('amqp-map-0-10.json') as readonly MapVector[];
export const recordedMessages = readVectors('qmf2-amqp-1.0-from-qpidd.json') as readonly RecordedMessage[];

/** The value that the notation of the map vectors means: `{"int32": -1}`, `{"str": "x"}`, and so on. */
export function vectorValue(notation: unknown): Value {
  if (notation === null) return null;
  if (Array.isArray(notation)) return notation.map(vectorValue);
  if (typeof notation !== 'object') throw new Error(`unknown notation ${JSON.stringify(notation)}`);
  const entries = Object.entries(notation);
  const [first] = entries;
  if (entries.length === 1 && first !== undefined) {
    const typed = typedValue(first[0], first[1]);
    if (typed !== undefined) return typed;
  }
  return new Map(entries.map(([key, item]) => [key, vectorValue(item)]));
}

function typedValue(tag: string, content: unknown): Value | undefined {
  if (tag === 'map') return vectorValue(content);
  if (tag === 'bool') return content === true;
  if (tag === 'str') return String(content);
  if (tag === 'bin') return Buffer.from(String(content), 'utf8');
  if (tag === 'uuid') return Uuid.parse(String(content));
  if (tag === 'float' || tag === 'double') return new Float(tag, Number(content));
  if (tag === 'repeat' && Array.isArray(content))
    return Buffer.from(String(content[0]).repeat(Number(content[1])));
  if (isIntType(tag)) return new Int(tag, BigInt(content as string | number)); // what the vectors hold there
  return undefined;
}

function isIntType(tag: string): tag is IntType {
  return (intTypes as readonly string[]).includes(tag); // widened, as includes() takes only members
}

/**
 * A decoded value in the readable form of the recorded messages: `{"bin": text}` for binary, `{"hex": ..}` for uuids and for
 * integers beyond 2^53.
 */
export function readableForm(value: Value): unknown {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (value instanceof Uuid) return { hex: Buffer.from(value.bytes).toString('hex') };
  if (value instanceof Int && typeof value.value === 'bigint')
    return { hex: value.value.toString(16).padStart(16, '0') };
  if (value instanceof Int || value instanceof Float) return value.value;
  if (value instanceof Uint8Array) return { bin: Buffer.from(value).toString('utf8') };
  if (value instanceof Map) return readableMap(value as ValueMap); // the only Map among values
  return (value as readonly Value[]).map(readableForm); // the only member of the union left
}

export function readableMap(map: ValueMap): Record<string, unknown> {
  return Object.fromEntries([...map].map(([key, item]) => [key, readableForm(item)]));
}
