import rhea from 'rhea';
import { type Address, addressFromText, addressToText } from '../../../message/envelope.js';
import type { UserIds } from '../../../message/user-ids.js';
import type { Binding } from '../../transport.js';
import type { Dialect, Route, SourceTerminus } from './dialect.js';

/** Descriptors of the subject filters that qpidd defined and Broker-J took over (wire document §1.5). */
const DIRECT_BINDING = 0x468c00000000;
const TOPIC_BINDING = 0x468c00000001;

/** The filter set for a key; one link holds one binding. */
export function subjectFilter(key: string, kind: 'topic' | 'direct'): object {
  const filter: unknown = rhea.types.wrap_described(key, kind === 'topic' ? TOPIC_BINDING : DIRECT_BINDING);
  return { 'subject-filter': filter };
}

/** The exchange is the link's address, the message's subject the routing key. */
export function exchangeRoute({ node, subject }: Address): Route {
  return { target: node, to: node, ...(subject === undefined ? {} : { subject }) };
}

/** Apache Qpid C++, and whatever broker we know nothing better of. */
export const qpidd: Dialect = {
  name: 'qpidd',
  bodyForm: 'value',
  refusesBySession: false,
  source: binding => ({
    address: binding.exchange,
    filter: subjectFilter(
      binding.key,
      binding.exchangeType === 'topic' && /[*#]/.test(binding.key) ? 'topic' : 'direct',
    ),
    ...(binding.create ? creation(binding) : {}),
  }),
  route: exchangeRoute,
  userIds: ({ offered }) => (offered.includes('ANONYMOUS') ? openQpidd : { kind: 'vouched' }),
  replyText: addressToText,
  replyAddress: addressFromText,
};

/** With `--auth no` it offers ANONYMOUS, and PLAIN with any password. */
const openQpidd: UserIds = {
  kind: 'unverified',
  reason: 'this qpidd lets people in without a password, as it does with --auth no, and then under any name',
  remedy: 'run it with --auth yes, and leave ANONYMOUS out of the mech_list of its SASL configuration',
};

/** The embedded broker has qpidd's manners. */
export const embedded: Dialect = {
  ...qpidd,
  name: 'embedded',
  userIds: ({ peer }) => (peer.checksUserIds === true ? { kind: 'vouched' } : openEmbedded),
};

const openEmbedded: UserIds = {
  kind: 'unverified',
  reason: 'this embedded broker has no users, and checks no names',
  remedy: 'start it with users',
};

/** Asks for the exchange to be made; only for domains other than `default`, whose exchanges have types of their own. */
function creation(binding: Binding): Pick<SourceTerminus, 'capabilities' | 'dynamic_node_properties'> {
  return {
    capabilities: ['create-on-demand', 'topic'],
    dynamic_node_properties: { 'exchange-type': binding.exchangeType },
  };
}
