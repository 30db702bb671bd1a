import { AGENT, REPLY_KEY, REQUEST_KEY, TOPIC } from './bare-keys.js';
import type { Publication } from './amqplib-link.js';
import { callInputs, objectName, objectValues } from './sample.js';

/**
 * The messages of QMF with amqplib: same headers, same content, same routing. The bodies are JSON, the cheapest that a program
 * without a library would send; those of QMF are in the codec of AMQP 0-10.
 */
function publication(
  key: string,
  opcode: string,
  method: string,
  body: unknown,
  more: {
    readonly correlationId?: string;
    readonly replyTo?: string;
    readonly headers?: Readonly<Record<string, string>>;
  } = {},
): Publication {
  const { headers, ...properties } = more;
  return {
    key,
    content: Buffer.from(JSON.stringify(body)),
    options: {
      deliveryMode: 1,
      appId: 'qmf2',
      contentType: Array.isArray(body) ? 'amqp/list' : 'amqp/map',
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

const fromAgent = { 'qmf.agent': AGENT };

const address = (name: string) => ({ _agent_name: AGENT, _object_name: name, _agent_epoch: 1 });

const schemaId = (className: string, type: string) => ({
  _package_name: 'com.redhat.imagefactory',
  _class_name: className,
  _type: type,
  _hash: '01234567-89ab-cdef-0123-456789abcdef',
});

const asking = (correlationId: string) => ({ correlationId, replyTo: `${TOPIC}/${REPLY_KEY}` });

export function callRequest(correlationId: string): Publication {
  const body = {
    _object_id: address('image_factory'),
    _method_name: 'build_image',
    _arguments: { ...callInputs },
  };
  return publication(REQUEST_KEY, '_method_request', 'request', body, asking(correlationId));
}

export function callReply(key: string, correlationId: string): Publication {
  const body = { _arguments: { build_adaptor: address(objectName(0)) } };
  return publication(key, '_method_response', 'response', body, { correlationId, headers: fromAgent });
}

export function queryRequest(correlationId: string): Publication {
  const body = {
    _what: 'OBJECT',
    _schema_id: { _package_name: 'com.redhat.imagefactory', _class_name: 'BuildAdaptor', _type: '_data' },
  };
  return publication(REQUEST_KEY, '_query_request', 'request', body, asking(correlationId));
}

/** One message of a query's answer with the objects from `first` up to, but not with, `end`. */
export function queryReply(
  key: string,
  correlationId: string,
  first: number,
  end: number,
  last: boolean,
): Publication {
  const now = Date.now() * 1e6;
  const body = Array.from({ length: end - first }, (_item, index) => ({
    _object_id: address(objectName(first + index)),
    _schema_id: schemaId('BuildAdaptor', '_data'),
    _values: objectValues(first + index),
    _create_ts: now,
    _update_ts: now,
    _delete_ts: 0,
  }));
  return publication(key, '_query_response', 'response', body, {
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
      _timestamp: Date.now() * 1e6,
    },
  ];
  return publication(key, '_data_indication', 'indication', body, {
    headers: { ...fromAgent, 'qmf.content': '_event' },
  });
}
