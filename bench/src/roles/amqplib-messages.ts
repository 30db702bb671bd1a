import { Int, toValue, Uuid, type ValueMap } from '@imagefactory/qmf';
import { decodeList, decodeMap, encodeList, encodeMap } from '@imagefactory/qmf/wire';
import { AGENT, REPLY_KEY, REQUEST_KEY, TOPIC } from './bare-keys.js';
import type { Publication } from './amqplib-link.js';
import { callInputs, objectName, objectValues } from './sample.js';

/**
 * The messages of QMF with amqplib: same headers, same content, same routing. The bodies are in the codec of AMQP 0-10, which no
 * library for 0-9-1 has; so the bare side uses ours, and both send the same bytes.
 */
function publication(
  key: string,
  opcode: string,
  method: string,
  content: Buffer,
  contentType: 'amqp/map' | 'amqp/list',
  more: {
    readonly correlationId?: string;
    readonly replyTo?: string;
    readonly headers?: Readonly<Record<string, string>>;
  } = {},
): Publication {
  const { headers, ...properties } = more;
  return {
    key,
    content,
    options: {
      deliveryMode: 1,
      appId: 'qmf2',
      contentType,
      headers: {
        'x-amqp-0-10.app-id': 'qmf2',
        method,
        'qmf.opcode': opcode,
        'qpid.subject': key,
        ...headers,
      },
      ...properties,
    },
  };
}

/** What a program would do first with the body of a message. */
export function readBody(content: Buffer, contentType: unknown): unknown {
  return contentType === 'amqp/list' ? decodeList(content) : decodeMap(content);
}

function mapBody(body: object): Buffer {
  // Plain objects become maps, which `Value` has no narrower word for.
  return encodeMap(toValue({ ...body }) as ValueMap);
}

function listBody(items: readonly object[]): Buffer {
  return encodeList(items.map(item => toValue({ ...item })));
}

const fromAgent = { 'qmf.agent': AGENT };

const address = (name: string) => ({
  _agent_name: AGENT,
  _object_name: name,
  _agent_epoch: new Int('uint32', 1),
});

const hash = Uuid.parse('01234567-89ab-cdef-0123-456789abcdef');

const schemaId = (className: string, type: string) => ({
  _package_name: 'com.redhat.imagefactory',
  _class_name: className,
  _type: type,
  _hash: hash,
});

const asking = (correlationId: string) => ({ correlationId, replyTo: `${TOPIC}/${REPLY_KEY}` });

export function callRequest(correlationId: string): Publication {
  const body = {
    _object_id: address('image_factory'),
    _method_name: 'build_image',
    _arguments: { ...callInputs },
  };
  return publication(
    REQUEST_KEY,
    '_method_request',
    'request',
    mapBody(body),
    'amqp/map',
    asking(correlationId),
  );
}

export function callReply(key: string, correlationId: string): Publication {
  const body = { _arguments: { build_adaptor: address(objectName(0)) } };
  return publication(key, '_method_response', 'response', mapBody(body), 'amqp/map', {
    correlationId,
    headers: fromAgent,
  });
}

export function queryRequest(correlationId: string): Publication {
  const body = {
    _what: 'OBJECT',
    _schema_id: { _package_name: 'com.redhat.imagefactory', _class_name: 'BuildAdaptor', _type: '_data' },
  };
  return publication(
    REQUEST_KEY,
    '_query_request',
    'request',
    mapBody(body),
    'amqp/map',
    asking(correlationId),
  );
}

/** One message of a query's answer with the objects from `first` up to, but not with, `end`. */
export function queryReply(
  key: string,
  correlationId: string,
  first: number,
  end: number,
  last: boolean,
): Publication {
  const now = timestamp();
  const body = Array.from({ length: end - first }, (_item, index) => ({
    _object_id: address(objectName(first + index)),
    _schema_id: schemaId('BuildAdaptor', '_data'),
    _values: objectValues(first + index),
    _create_ts: now,
    _update_ts: now,
    _delete_ts: new Int('uint64', 0n),
  }));
  return publication(key, '_query_response', 'response', listBody(body), 'amqp/list', {
    correlationId,
    headers: { ...fromAgent, 'qmf.content': '_data', ...(last ? {} : { partial: '' }) },
  });
}

export function eventMessage(key: string): Publication {
  const body = [
    {
      _schema_id: schemaId('BuildAdaptorStatusEvent', '_event'),
      _values: {
        addr: address(objectName(0)),
        event: 'STATUS',
        new_status: 'BUILDING',
        old_status: 'INITIALIZING',
      },
      _severity: 5,
      _timestamp: timestamp(),
    },
  ];
  return publication(key, '_data_indication', 'indication', listBody(body), 'amqp/list', {
    headers: { ...fromAgent, 'qmf.content': '_event' },
  });
}

function timestamp(): Int {
  return new Int('uint64', BigInt(Date.now()) * 1_000_000n);
}
