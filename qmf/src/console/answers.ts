import { QmfError } from '../errors.js';
import { readMapBody } from '../message/content.js';
import type { Envelope } from '../message/envelope.js';
import { exceptionToError } from '../message/exception.js';
import { type Opcode, opcodeOf } from '../message/headers.js';

/**
 * Checks that an answer is of the kind that its request asked for.
 *
 * @throws QmfError `agent_exception` when the agent refused, `malformed_message` for an answer that fits no request of ours
 */
export function expectAnswer(agent: string, envelope: Envelope, opcode: Opcode): void {
  const actual = opcodeOf(envelope.headers);
  if (actual === opcode) return;
  if (actual === '_exception') throw exceptionToError(agent, readMapBody(envelope));
  throw new QmfError('malformed_message', `${agent} answered with ${actual ?? 'no opcode'}, not ${opcode}`);
}
