import type { Body } from '../codec/amqp10-message.js';
import { decodeList, decodeMap, encodeList, encodeMap } from '../codec/amqp010.js';
import { QmfError } from '../errors.js';
import { isValueList, isValueMap, type ValueList, type ValueMap } from '../value/value.js';
import type { BodyForm, Envelope } from './envelope.js';
import { translatable } from './translatable.js';

export const MAP = 'amqp/map';
export const LIST = 'amqp/list';

/** A body with the content type that belongs to it. */
export type EncodedContent = Pick<Envelope, 'body' | 'contentType'>;

/** @throws QmfError `not_encodable` for a map key of more than 255 bytes */
export function mapContent(map: ValueMap, form: BodyForm): EncodedContent {
  return {
    contentType: MAP,
    body:
      form === 'value'
        ? { form: 'value', value: translatable(map) }
        : { form: 'data', bytes: encodeMap(map) },
  };
}

/** @throws QmfError `not_encodable` for a map key of more than 255 bytes */
export function listContent(list: ValueList, form: BodyForm): EncodedContent {
  return {
    contentType: LIST,
    body:
      form === 'value'
        ? { form: 'value', value: translatable(list) }
        : { form: 'data', bytes: encodeList(list) },
  };
}

/** The form in which an answer goes back: that of the request (§2.4); sequences and empty bodies say nothing. */
export function formOf(body: Body, otherwise: BodyForm): BodyForm {
  if (body.form === 'data') return 'data';
  return body.form === 'value' ? 'value' : otherwise;
}

/**
 * The map that a message holds, whatever section carries it.
 *
 * @throws QmfError `malformed_message`
 */
export function readMapBody(envelope: Envelope): ValueMap {
  const { body } = envelope;
  if (body.form === 'value' && isValueMap(body.value)) return body.value;
  if (body.form === 'data' && envelope.contentType !== LIST) return decodeMap(body.bytes);
  throw new QmfError(
    'malformed_message',
    `the body is ${describeBody(envelope)}, a map (amqp/map) is expected`,
  );
}

/**
 * The list that a message holds. Broker-J turns lists into sequences and drops their content type (§9.26).
 *
 * @throws QmfError `malformed_message`
 */
export function readListBody(envelope: Envelope): ValueList {
  const { body } = envelope;
  if (body.form === 'sequence') return body.list;
  if (body.form === 'none') return [];
  if (body.form === 'value') {
    if (body.value === null) return [];
    if (typeof body.value === 'object' && !isValueMap(body.value) && isValueList(body.value))
      return body.value;
  }
  if (body.form === 'data' && envelope.contentType !== MAP) return decodeList(body.bytes);
  throw new QmfError(
    'malformed_message',
    `the body is ${describeBody(envelope)}, a list (amqp/list) is expected`,
  );
}

function describeBody({ body, contentType }: Envelope): string {
  if (body.form === 'data') return `a data section of type ${contentType ?? '(none)'}`;
  if (body.form === 'none') return 'empty';
  if (body.form === 'sequence') return 'a sequence';
  return isValueMap(body.value) ? 'a map' : Array.isArray(body.value) ? 'a list' : 'a single value';
}
