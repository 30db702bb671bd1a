import { QmfError } from '../errors.js';

/** The three parts of an agent's name. */
export interface AgentName {
  readonly vendor: string;
  readonly product: string;
  /** Unique among the agents of that vendor and product. */
  readonly instance: string;
}

export function agentNameToText({ vendor, product, instance }: AgentName): string {
  return `${vendor}:${product}:${instance}`;
}

/** @throws QmfError `invalid_argument` for parts that would make the name ambiguous */
export function checkAgentName(name: AgentName): AgentName {
  for (const [part, text] of Object.entries(name) as [keyof AgentName, string][]) {
    if (part !== 'instance' && text.includes(':')) {
      throw new QmfError('invalid_argument', `the ${part} of an agent must not hold a colon: '${text}'`);
    }
  }
  if (Buffer.byteLength(agentNameToText(name), 'utf8') > LONGEST_AGENT_NAME) {
    throw new QmfError(
      'invalid_argument',
      'vendor, product and instance of an agent together may have 253 bytes: the name is a routing key, which holds 255',
    );
  }
  return name;
}

/** Reads `vendor:product:instance`; the instance may hold colons itself. */
export function agentNameFromText(text: string): AgentName {
  const [vendor = '', product = '', ...instance] = text.split(':');
  return { vendor, product, instance: instance.join(':') };
}

/** Bytes of the longest name of an agent: it is a routing key. */
export const LONGEST_AGENT_NAME = 255;
