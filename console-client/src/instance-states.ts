import { QmfError } from '@imagefactory/qmf';
import type { InstanceStates } from './factory-inputs.js';

/**
 * The table in the answer of `instance_states`.
 *
 * @throws QmfError `malformed_message`
 */
export function instanceStatesFrom(text: string): InstanceStates {
  const states = parsed(text);
  if (typeof states !== 'object' || states === null || Array.isArray(states)) throw unexpected();
  return Object.fromEntries(
    Object.entries(states).map(([status, next]: [string, unknown]) => {
      if (Array.isArray(next) && next.every(one => typeof one === 'string')) return [status, next];
      throw unexpected();
    }),
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw unexpected();
  }
}

function unexpected(): QmfError {
  return new QmfError('malformed_message', "the agent's answer has no table of statuses in JSON as states");
}
