import rhea, { type Message } from 'rhea';
import { AGENT, EVENT_KEY, REPLY_KEY, REQUEST_KEY, TOPIC } from './bare-keys.js';
import { callInputs, objectName, objectValues } from './sample.js';

/** The messages of QMF as a program without a library would write them with rhea: same headers, same bodies, same routing. */
const int = (value: number) => rhea.types.wrap_int(value);
const uint = (value: number) => rhea.types.wrap_uint(value);
const ulong = (value: number): unknown => rhea.types.wrap_ulong(value);
const uuid = (bytes: Buffer): unknown => rhea.types.wrap_uuid(bytes);

const headers = (opcode: string, method: string, more: Readonly<Record<string, string | null>> = {}) => ({
  'x-amqp-0-10.app-id': 'qmf2',
  method,
  'qmf.opcode': opcode,
  ...more,
});

const address = (name: string) => ({
  _agent_name: AGENT,
  _object_name: name,
  _agent_epoch: uint(1),
});

const hash = Buffer.from('0123456789abcdef0123456789abcdef', 'hex');

const schemaId = (className: string, type: string) => ({
  _package_name: 'com.redhat.imagefactory',
  _class_name: className,
  _type: type,
  _hash: uuid(hash),
});

function request(opcode: string, correlationId: string, body: object): Message {
  return {
    to: TOPIC,
    subject: REQUEST_KEY,
    reply_to: `${TOPIC}/${REPLY_KEY}`,
    correlation_id: correlationId,
    content_type: 'amqp/map',
    application_properties: headers(opcode, 'request'),
    body,
  };
}

export function callRequest(correlationId: string): Message {
  return request('_method_request', correlationId, {
    _object_id: address('image_factory'),
    _method_name: 'build_image',
    _arguments: { ...callInputs },
  });
}

export function callReply(key: string, correlationId: string): Message {
  return {
    to: TOPIC,
    subject: key,
    correlation_id: correlationId,
    content_type: 'amqp/map',
    application_properties: headers('_method_response', 'response', { 'qmf.agent': AGENT }),
    body: { _arguments: { build_adaptor: address(objectName(0)) } },
  };
}

export function queryRequest(correlationId: string): Message {
  return request('_query_request', correlationId, {
    _what: 'OBJECT',
    _schema_id: { _package_name: 'com.redhat.imagefactory', _class_name: 'BuildAdaptor', _type: '_data' },
  });
}

/** One message of a query's answer with the objects from `first` up to, but not with, `end`. */
export function queryReply(
  key: string,
  correlationId: string,
  first: number,
  end: number,
  last: boolean,
): Message {
  const now = Date.now() * 1e6;
  return {
    to: TOPIC,
    subject: key,
    correlation_id: correlationId,
    content_type: 'amqp/list',
    application_properties: headers('_query_response', 'response', {
      'qmf.content': '_data',
      'qmf.agent': AGENT,
      ...(last ? {} : { partial: null }),
    }),
    body: Array.from({ length: end - first }, (_item, index) => ({
      _object_id: address(objectName(first + index)),
      _schema_id: schemaId('BuildAdaptor', '_data'),
      _values: { ...objectValues(first + index), percent_complete: int((first + index) % 100) },
      _create_ts: ulong(now),
      _update_ts: ulong(now),
      _delete_ts: ulong(0),
    })),
  };
}

export function eventMessage(): Message {
  return {
    to: TOPIC,
    subject: EVENT_KEY,
    content_type: 'amqp/list',
    application_properties: headers('_data_indication', 'indication', {
      'qmf.content': '_event',
      'qmf.agent': AGENT,
    }),
    body: [
      {
        _schema_id: schemaId('BuildAdaptorStatusEvent', '_event'),
        _values: {
          addr: address(objectName(0)),
          event: 'STATUS',
          new_status: 'BUILDING',
          old_status: 'INITIALIZING',
        },
        _severity: int(5),
        _timestamp: ulong(Date.now() * 1e6),
      },
    ],
  };
}
