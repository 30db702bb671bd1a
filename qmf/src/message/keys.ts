import { v5 as uuidv5 } from 'uuid';
import type { SchemaId } from '../schema/schema.js';
import { type Severity, severityWords } from '../schema/types.js';
import type { AgentName } from './agent-name.js';

/** Exchanges of a QMF domain (wire document §1.1). */
export const topicExchange = (domain: string): string => `qmf.${domain}.topic`;
export const directExchange = (domain: string): string => `qmf.${domain}.direct`;

export const LOCATE_KEY = 'console.request.agent_locate';
/** Key on the direct exchange under which the broker's own agent listens. */
export const BROKER_KEY = 'broker';
export const DIRECT_CONSOLE_PREFIX = 'direct-console.';
/** Of a user's name in a reply key, in bytes; longer ones are cut. */
const LONGEST_USER = 100;

/**
 * A new key for answers, `direct-console.<user>.<uuid>`, so that the rights at a broker can give each user keys of its own.
 *
 * @param user who logs in at the broker, if that is known; characters that mean something in keys and addresses become underscores, as in
 *   the ACL of qpidd
 */
export function replyKeyFor(user: string | undefined, id: string): string {
  const name = cut(user ?? '', LONGEST_USER).replaceAll(/[.*#@/\s\p{Cc}]/gu, '_');
  return DIRECT_CONSOLE_PREFIX + (name === '' ? id : `${name}.${id}`);
}

export const DIRECT_AGENT_PREFIX = 'direct-agent.route.';

/** Dots separate the parts of a routing key, so those inside a part become underscores (§1.3). */
function part(text: string): string {
  return text.replaceAll('.', '_');
}

/** Keys hold at most 255 bytes on AMQP 0-x (§9.29). */
function key(parts: readonly string[]): string {
  const text = parts.filter(item => item !== '').join('.');
  return cut(text, 255);
}

/** As many whole characters from the beginning as fit. */
function cut(text: string, bytes: number): string {
  if (Buffer.byteLength(text, 'utf8') <= bytes) return text;
  return Buffer.from(text, 'utf8')
    .toString('utf8', 0, bytes)
    .replace(/\uFFFD$/, '');
}

/** `agent.ind.heartbeat.<vendor>.<product>.<instance>`, the broker's shape, which every console's filters match. */
export function heartbeatKey({ vendor, product, instance }: AgentName): string {
  return key(['agent.ind.heartbeat', part(vendor), part(product), part(instance)]);
}

/** `agent.ind.event.<package>.<class>.<severity>.<vendor>.<product>.<instance>`. */
export function eventKey(id: SchemaId, severity: Severity, agent: AgentName): string {
  return key([
    'agent.ind.event',
    part(id.packageName),
    part(id.className),
    severityWords[severity],
    part(agent.vendor),
    part(agent.product),
    part(agent.instance),
  ]);
}

const DIRECT_SUBJECT_NAMESPACE = '8c1d2f9e-6a1b-5f6e-9f0a-3f2b7f3c9d41';

/**
 * The `_direct_subject` of our agents. Made from the name: consoles keep the first one they see, so it must be the same after a restart
 * (§6.3); and a console can tell it from one that somebody else has chosen.
 */
export function directSubjectOf(name: string): string {
  return DIRECT_AGENT_PREFIX + uuidv5(name, DIRECT_SUBJECT_NAMESPACE);
}
