import type { Envelope } from '../message/envelope.js';
import { isValueMap, type Value, type ValueList, type ValueMap } from '../value/value.js';

/** Headers, addresses and what JavaScript adds; they hardly differ between messages. */
const ENVELOPE = 512;
/** A number, a uuid, or the frame around something. */
const ITEM = 16;

/** About how many bytes of memory a message takes while it waits. */
export function messageSize({ body }: Envelope): number {
  switch (body.form) {
    case 'data':
      return ENVELOPE + body.bytes.byteLength;
    case 'value':
      return ENVELOPE + valueSize(body.value);
    case 'sequence':
      return ENVELOPE + listSize(body.list);
    case 'none':
      return ENVELOPE;
  }
}

function valueSize(value: Value): number {
  if (typeof value === 'string') return ITEM + value.length;
  if (typeof value !== 'object' || value === null) return ITEM;
  if (isValueMap(value)) return mapSize(value);
  if (value instanceof Uint8Array) return ITEM + value.byteLength;
  return Array.isArray(value) ? listSize(value as ValueList) : ITEM;
}

function mapSize(map: ValueMap): number {
  let size = ITEM;
  for (const [key, value] of map) size += key.length + valueSize(value);
  return size;
}

function listSize(list: ValueList): number {
  let size = ITEM;
  for (const value of list) size += valueSize(value);
  return size;
}
