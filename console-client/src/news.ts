import { type ConsoleAgent, type RequestOptions, TypedObject } from '@imagefactory/qmf';
import { BuildNews, NEWS_OBJECT } from '@imagefactory/schema';
import { type ImageRecord, imageRecordFrom } from './image-record.js';

/** The object that tells what happens inside of an agent's builds. Nothing is asked yet. */
export function newsOf(agent: ConsoleAgent): TypedObject<typeof BuildNews> {
  const address = { agentName: agent.name, objectName: NEWS_OBJECT, agentEpoch: 0 };
  return new TypedObject(agent, BuildNews, address, { values: new Map() });
}

/** What is on record of an image, by its uuid or that of anything that belongs to it. */
export async function imageRecordOf(
  agent: ConsoleAgent,
  image: string,
  options: RequestOptions,
): Promise<ImageRecord> {
  const { record } = await newsOf(agent).call('image', { image }, options);
  return imageRecordFrom(record);
}
