import { type ConsoleAgent, QmfError, type RequestOptions, TypedObject } from '@imagefactory/qmf';
import { FactoryRecords, RECORDS_OBJECT } from '@imagefactory/schema';
import { isUnknown } from '../tracking/standing.js';

/** The agents that have the object, with the start in which they had it. */
const known = new WeakMap<ConsoleAgent, number>();

/**
 * The object that answers from the record of an agent. An agent is asked once whether it has it.
 *
 * @param what is wanted of it, in the error
 * @throws QmfError `schema_unknown` for agents of other makes and of older versions, which have none
 */
export async function recordsOf(
  agent: ConsoleAgent,
  what: string,
  options: RequestOptions,
): Promise<TypedObject<typeof FactoryRecords>> {
  const address = { agentName: agent.name, objectName: RECORDS_OBJECT, agentEpoch: 0 };
  if (known.get(agent) === agent.info.epoch) return objectAt();
  try {
    const object = await agent.object(FactoryRecords, address, options);
    known.set(agent, agent.info.epoch);
    return object;
  } catch (error) {
    if (!isUnknown(error)) throw error;
    const text = `${agent.name} has no records for consoles (object ${RECORDS_OBJECT}); ${what} needs them`;
    throw new QmfError('schema_unknown', text, { cause: error });
  }

  function objectAt(): TypedObject<typeof FactoryRecords> {
    return new TypedObject(agent, FactoryRecords, address, { values: new Map() });
  }
}
