import { type ConsoleAgent, exceptionCodes, QmfError } from '@imagefactory/qmf';
import type { Factory, ImageRecord } from '../../index.js';
import { imageRecordOf } from '../../news.js';
import { type Context, requestOptions } from '../context.js';
import { chosenAgents, onlyOne } from './agents.js';
import { factoryAt, isFactory } from './factory.js';

/**
 * The record that an agent has of an image, by its uuid or that of anything that belongs to it; undefined when it has none.
 *
 * @throws QmfError `agent_exception` when the agent refuses to say; other codes of requests
 */
export async function recordAt(
  context: Context,
  agent: ConsoleAgent,
  uuid: string,
): Promise<ImageRecord | undefined> {
  try {
    return await imageRecordOf(agent, uuid, requestOptions(context));
  } catch (error) {
    // Agents of other makes have no records; they say so in their words.
    if (error instanceof QmfError && error.code === 'agent_exception' && !isForbidden(error))
      return undefined;
    throw error;
  }
}

/** Whether an agent refuses this caller. */
export function isForbidden(error: unknown): boolean {
  return (
    error instanceof QmfError &&
    error.code === 'agent_exception' &&
    error.agentCode === exceptionCodes.forbidden
  );
}

/**
 * The factory of the agent that was chosen, or of the only one there is; of several, the one that has a record of an image.
 *
 * @param what what it is needed for, in errors
 * @param uuids of images, builds or target images, as far as the caller names any
 * @throws CliError not_found without any agent, usage when several come into question
 */
export async function factoryWith(
  context: Context,
  what: string,
  uuids: readonly (string | undefined)[],
): Promise<Factory> {
  const agents = await chosenAgents(context, isFactory);
  const named = uuids.flatMap(uuid => (uuid === undefined || uuid === '' ? [] : [uuid]));
  if (agents.length < 2 || named.length === 0) return await factoryAt(context, onlyOne(agents, what));
  // An agent that does not answer, or not to this caller, is none that could be taken.
  const knows = async (agent: ConsoleAgent): Promise<boolean> => {
    for (const uuid of named)
      if ((await recordAt(context, agent, uuid).catch(() => undefined)) !== undefined) return true;
    return false;
  };
  const known = await Promise.all(agents.map(knows));
  const owners = agents.filter((_, index) => known[index]);
  return await factoryAt(context, onlyOne(owners.length === 0 ? agents : owners, what));
}
