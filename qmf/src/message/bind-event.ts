import { eventItemFromValue, eventItemToValue } from '../data/data-item.js';
import type { SchemaId } from '../schema/schema.js';
import { Severity } from '../schema/types.js';
import { textOf } from '../value/text.js';
import { Uuid, type Value } from '../value/value.js';
import { type AgentName, agentNameToText } from './agent-name.js';
import { type EncodedContent, listContent, readListBody } from './content.js';
import type { Envelope } from './envelope.js';
import { headersFor } from './headers.js';
import { eventKey } from './keys.js';

/** A queue was bound to an exchange. */
export interface Bound {
  readonly exchange: string;
  readonly key: string;
}

export interface BindEvent extends Bound {
  readonly queue: string;
  /** Who has bound it, as the broker knows it. */
  readonly user: string;
  /** Address of the client. */
  readonly host: string;
}

/** The class of the event that qpidd 1.40 raises for each binding made over AMQP 0-10 (recorded). */
const bindClass: SchemaId = {
  packageName: 'org.apache.qpid.broker',
  className: 'bind',
  kind: '_event',
  hash: Uuid.parse('042af49f-eea7-5cd1-0ac1-10b0e0573cab'),
};

/** Beginning of the keys of {@link encodeBindEvent}'s events, from any broker. */
export const BIND_EVENT_KEY = 'agent.ind.event.org_apache_qpid_broker.bind';

/** The event as qpidd raises it, for a broker that is known as `agent`. */
export function encodeBindEvent(
  agent: AgentName,
  event: BindEvent,
  timestamp: bigint,
): EncodedContent & Pick<Envelope, 'headers'> & { readonly subject: string } {
  const values = new Map<string, Value>([
    ['args', new Map<string, Value>()],
    ['exName', event.exchange],
    ['key', event.key],
    ['qName', event.queue],
    ['rhost', event.host],
    ['user', event.user],
  ]);
  const severity = Severity.INFORM;
  return {
    subject: eventKey(bindClass, severity, agent),
    headers: headersFor('_data_indication', { agent: agentNameToText(agent), content: '_event' }),
    ...listContent([eventItemToValue({ values, schemaId: bindClass, severity, timestamp })], 'value'),
  };
}

/** Beginning of the keys of the events that qpidd raises for each consumer of a queue. */
export const SUBSCRIBE_EVENT_KEY = 'agent.ind.event.org_apache_qpid_broker.subscribe';

/**
 * The queues that such an event names. A receiver of AMQP 1.0 has one that is called `<container>_<link>`, and no bind event.
 *
 * @throws QmfError `malformed_message`
 */
export function readSubscribeEvent(envelope: Envelope): readonly string[] {
  return readListBody(envelope).map(item => textOf(eventItemFromValue(item).values.get('qName')) ?? '');
}

/**
 * The bindings that such an event tells of.
 *
 * @throws QmfError `malformed_message`
 */
export function readBindEvent(envelope: Envelope): readonly Bound[] {
  return readListBody(envelope).map(item => {
    const { values } = eventItemFromValue(item);
    return { exchange: textOf(values.get('exName')) ?? '', key: textOf(values.get('key')) ?? '' };
  });
}
