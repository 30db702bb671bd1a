import { decodeBareMessage } from '../codec/amqp10-message.js';
import { BIND_EVENT_KEY } from '../message/bind-event.js';
import { opcodeOf } from '../message/headers.js';
import { BROKER_KEY, DIRECT_CONSOLE_PREFIX } from '../message/keys.js';
import { isV1Frame, v1Opcode } from '../schema/v1.js';
import type { Exchange } from './exchange.js';
import type { SaidError } from './faults/index.js';
import type { BrokerMessage } from './message.js';

/**
 * What a user of the embedded broker may do on the exchanges of QMF. A user without a role may do everything.
 *
 * - `agent`: announce itself, raise events, listen to requests, answer them;
 * - `console`: send requests of every kind, listen to announcements, to events, and to the answers to its own requests;
 * - `watcher`: the same without method calls.
 */
export type BrokerRole = 'agent' | 'console' | 'watcher';
export const brokerRoles: readonly BrokerRole[] = ['agent', 'console', 'watcher'];

/** One of the exchanges that a user with a role may use: topic and direct of a QMF domain, or `amq.direct`, where some answers go. */
type Kind = 'topic' | 'direct' | 'answers';

/** Requests that change nothing at the agent but what it tells the sender (wire document §3). */
const readingOpcodes: ReadonlySet<string> = new Set([
  '_agent_locate_request',
  '_query_request',
  '_subscribe_request',
  '_subscribe_refresh_indication',
  '_subscribe_cancel_indication',
]);

/** The name of an agent on the direct exchange, `vendor:product:instance`; keys of consoles have no colon. */
const agentName = /^[^:]+:[^:]+:/;

/** The rights of one client; each question is answered with the error to give, or undefined where it may. */
export class Rights {
  constructor(
    private readonly user: string,
    private readonly role: BrokerRole,
  ) {}

  /** Making a queue or an exchange on demand. */
  create(): SaidError {
    return this.#refuse('make queues or exchanges');
  }

  /** Consuming from, or publishing to, a queue that another client has made. */
  useQueue(name: string): SaidError {
    return this.#refuse(`use the queue ${name}, which is another user's`);
  }

  /** Publishing to an exchange at all. */
  attachTo(exchange: Exchange): SaidError | undefined {
    const kind = kindOf(exchange);
    const isOpen = kind !== undefined && (kind !== 'answers' || this.role === 'agent');
    if (isOpen) return undefined;
    return this.#refuse(`publish to ${exchange.name}`);
  }

  bind(exchange: Exchange, key: string): SaidError | undefined {
    const kind = kindOf(exchange);
    if (kind !== undefined && (this.owns(exchange, key) || (kind === 'topic' && this.#hears(key)))) {
      return undefined;
    }
    return this.#refuse(`bind ${JSON.stringify(key)} to ${exchange.name}`);
  }

  /** Whether a key is one under which a single client listens, so that no other may bind it while it is bound. */
  owns(exchange: Exchange, key: string): boolean {
    switch (kindOf(exchange)) {
      case 'topic':
        return (
          isLiteral(key) && key.startsWith(this.role === 'agent' ? 'direct-agent.' : DIRECT_CONSOLE_PREFIX)
        );
      case 'direct':
        return this.role === 'agent' ? agentName.test(key) : isConsoleKey(key);
      case 'answers':
        return this.role !== 'agent' && isConsoleKey(key);
      case undefined:
        return false;
    }
  }

  /** Keys whose binding hears what is meant for all of a role: the first word is given, the others are free. */
  #hears(key: string): boolean {
    const [first] = key.split('.');
    if (this.role === 'agent') return first === 'agent' || first === 'console';
    // The keys that others bind are theirs.
    return first === 'agent' && !key.startsWith(BIND_EVENT_KEY);
  }

  /** @param answersReach whether the reply-to of the message is a key or queue of the client's own */
  publish(exchange: Exchange, message: BrokerMessage, answersReach: boolean): SaidError | undefined {
    const { subject, replyTo } = message;
    if (!this.#mayPublish(kindOf(exchange), subject)) {
      return this.#refuse(`publish to ${exchange.name} with the subject ${JSON.stringify(subject)}`);
    }
    if (this.role !== 'agent' && !answersReach) {
      return this.#refuse(`have answers sent to ${JSON.stringify(replyTo)}, which it has not bound`);
    }
    return this.role === 'watcher' && !isReading(message.bytes) ? this.#refuse('call methods') : undefined;
  }

  #mayPublish(kind: Kind | undefined, key: string): boolean {
    const isAgent = this.role === 'agent';
    switch (kind) {
      case 'topic': {
        const [first = ''] = key.split('.');
        return (isAgent ? ['agent', 'direct-console'] : ['console', 'direct-agent']).includes(first);
      }
      case 'direct':
        return isAgent ? isConsoleKey(key) : agentName.test(key) || key === BROKER_KEY;
      case 'answers':
        return isAgent && isConsoleKey(key);
      case undefined:
        return false;
    }
  }

  #refuse(what: string): SaidError {
    return {
      condition: 'amqp:unauthorized-access',
      description: `The user ${this.user} has the role ${this.role} and may not ${what}; its "role" is set among the users of the broker`,
    };
  }
}

/** A key that another client has bound, and that one client alone may bind. */
export function keyTaken(exchange: Exchange, key: string): SaidError {
  return {
    condition: 'amqp:unauthorized-access',
    description: `The key ${JSON.stringify(key)} on ${exchange.name} is in use by another user; choose another`,
  };
}

function kindOf({ name, type }: Exchange): Kind | undefined {
  if (name === 'amq.direct') return 'answers';
  const kind = /^qmf\..+\.(topic|direct)$/s.exec(name)?.[1];
  return (kind === 'topic' || kind === 'direct') && type.endsWith(kind) ? kind : undefined;
}

function isConsoleKey(key: string): boolean {
  return key !== '' && key !== BROKER_KEY && !key.includes(':');
}

/** Whether a binding key of a topic exchange matches nothing but itself. */
function isLiteral(key: string): boolean {
  return !key.split('.').some(word => word === '*' || word === '#');
}

/** Reads a message as the agent will, by the same decoder; what cannot be read is no request. */
function isReading(bytes: Buffer): boolean {
  try {
    const { applicationProperties, body } = decodeBareMessage(bytes);
    const opcode = opcodeOf(applicationProperties ?? new Map());
    if (opcode !== undefined) return readingOpcodes.has(opcode);
    return body.form === 'data' && isV1Frame(body.bytes) && v1Opcode(body.bytes) === 'S';
  } catch {
    return false;
  }
}
