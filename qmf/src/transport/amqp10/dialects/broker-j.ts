import { randomUUID } from 'node:crypto';
import { type BareMessage, encodeBareMessage } from '../../../codec/amqp10-message.js';
import { encodeList, encodeMap } from '../../../codec/amqp010.js';
import { LIST, MAP } from '../../../message/content.js';
import { isValueList, isValueMap, type Value } from '../../../value/value.js';
import { addressToText } from '../../../message/envelope.js';
import { brokerJUserIds } from '../../user-ids.js';
import { replyAddress } from '../../amqp091/reply-address.js';
import type { Binding } from '../../transport.js';
import { SenderLink } from '../sender-link.js';
import type { Dialect, Workplace } from './dialect.js';
import { exchangeRoute, subjectFilter } from './qpidd.js';

/** Apache Qpid Broker-J, whose peers over AMQP 0-x and 1.0 it translates between. */
export const brokerJ: Dialect = {
  name: 'broker-j',
  // Values from AMQP 1.0 reach 0-9-1 peers as messages of Java's own kinds; bytes are left alone.
  bodyForm: 'data',
  refusesBySession: false,
  prepare: (binding, _queue, workplace) => createExchange(binding, workplace),
  // Of the two filters it heeds the one of the exchange's type; with the other, a topic exchange binds everything.
  source: ({ exchange, exchangeType, key }) => ({
    address: exchange,
    filter: subjectFilter(key, exchangeType),
  }),
  route: exchangeRoute,
  userIds: () => brokerJUserIds,
  replyText: addressToText,
  replyAddress,
  received: asSent,
};

const NODE = '$management';
const classes = { topic: 'org.apache.qpid.TopicExchange', direct: 'org.apache.qpid.DirectExchange' } as const;

/**
 * Asks the node `$management` to make the exchange. It must be there before the attach: rhea gives credit to a link that is being
 * refused, at which Broker-J ends the connection. One that exists stays as it is; where managing is not allowed,
 * the attach says whether the exchange is missing.
 */
async function createExchange({ exchange, exchangeType }: Binding, { session }: Workplace): Promise<void> {
  const target = { address: NODE, what: NODE, ownSession: false };
  const link = new SenderLink(session, target, `manage.${randomUUID()}`, () => undefined);
  const request = encodeBareMessage({
    to: NODE,
    applicationProperties: new Map([
      ['operation', 'CREATE'],
      ['type', classes[exchangeType]],
      ['name', exchange],
    ]),
    body: {
      form: 'value',
      value: new Map<string, Value>([
        ['name', exchange],
        ['type', exchangeType],
        ['durable', false],
      ]),
    },
  });
  await link.send({ bytes: request, unroutable: 'released' }).catch(() => undefined);
  link.close();
}

/**
 * A message of an AMQP 0-x peer with its body as that peer sent it: the broker decodes maps and lists on the way and drops
 * the content type, yet an answer in the form that it makes of them would not reach the peer.
 */
function asSent(message: BareMessage): BareMessage {
  const { body, contentType } = message;
  if (contentType !== undefined) return message;
  const value = body.form === 'sequence' ? body.list : body.form === 'value' ? body.value : null;
  if (isValueMap(value))
    return { ...message, contentType: MAP, body: { form: 'data', bytes: encodeMap(value) } };
  if (isValueList(value))
    return { ...message, contentType: LIST, body: { form: 'data', bytes: encodeList(value) } };
  return message;
}
