import { QmfError } from '../errors.js';
import { type AgentInfo, agentInfoFromValue } from '../message/agent-info.js';
import { readMapBody } from '../message/content.js';
import { opcodeOf } from '../message/headers.js';
import { directSubjectOf } from '../message/keys.js';
import type { ConsoleAgent } from './console-agent.js';
import type { Requests } from './requests.js';

/** Milliseconds in which a second agent of the same name answers what the first has answered. */
const SECOND_ANSWER = 250;

/** Whether two messages come from the same start of an agent. */
export function isSameRun(one: AgentInfo, other: AgentInfo): boolean {
  return (
    one.epoch === other.epoch &&
    (one.start === undefined || other.start === undefined || one.start === other.start)
  );
}

/** Whether the attributes are those of an agent of that name: consoles choose agents by these attributes, and call them by that name. */
export function isNamedSo(name: string, { vendor, product, instance }: AgentInfo): boolean {
  return `${vendor}${product}${instance}` === '' || `${vendor}:${product}:${instance}` === name;
}

/**
 * What is to be thought of a message that says it comes from a known agent. Anybody who may send heartbeats can send one under any name.
 *
 * - `same`: the same run, at the same address
 * - `restarted`: believed at once
 * - `refused`: not believed
 * - `ask-run`: the agent itself is asked which run it is, at the address that it has in both
 * - `ask-old`: believed if the old address does not answer
 */
export type Verdict = 'same' | 'restarted' | 'refused' | 'ask-run' | 'ask-old';

export function judge(name: string, before: AgentInfo, after: AgentInfo): Verdict {
  if (before.directSubject === after.directSubject) return isSameRun(before, after) ? 'same' : 'ask-run';
  // Our agents derive theirs from the name, so that any other one is wrong.
  const own = directSubjectOf(name);
  if (before.directSubject === own) return 'refused';
  if (after.directSubject === own) return 'restarted';
  return before.epoch === after.epoch ? 'refused' : 'ask-old';
}

/** Who answered at the address of an agent. */
export type Answered = 'somebody' | 'nobody' | 'unknown';

/**
 * Asks at the address of an agent which run it is. Stock agents in C++ send no correlation id with this answer, and so count as silent.
 *
 * @param patience milliseconds that it has to answer
 * @param onRun called with each different run that answers; more than one are agents that share the name
 */
export async function askRun(
  requests: Requests,
  agent: ConsoleAgent,
  patience: number,
  onRun: (info: AgentInfo) => void,
): Promise<Answered> {
  const runs: AgentInfo[] = [];
  const enough = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const asking = requests.locateAt(agent, { timeout: patience, signal: enough.signal }, envelope => {
    if (opcodeOf(envelope.headers) !== '_agent_locate_response') return false;
    const info = agentInfoFromValue(readMapBody(envelope));
    if (runs.some(run => isSameRun(run, info))) return false;
    runs.push(info);
    timer ??= setTimeout(() => enough.abort(), SECOND_ANSWER).unref();
    onRun(info);
    return false;
  });
  const error = await asking.then(
    () => undefined,
    (reason: unknown) => QmfError.from(reason, 'connection_lost'),
  );
  clearTimeout(timer);
  if (runs.length > 0) return 'somebody';
  return error?.code === 'timeout' ? 'nobody' : 'unknown';
}

/** Asks whether anybody is at the address of an agent; any answer with our correlation id will do. */
export async function askOld(requests: Requests, agent: ConsoleAgent, patience: number): Promise<Answered> {
  const body = new Map([['_what', 'SCHEMA_ID']]);
  const what = `asking whether ${agent.name} is there`;
  try {
    await requests.request(agent, what, '_query_request', body, { timeout: patience }, () => true);
    return 'somebody';
  } catch (error) {
    return QmfError.from(error, 'connection_lost').code === 'timeout' ? 'nobody' : 'unknown';
  }
}
