import { brokers } from '../support/brokers/index.js';
import { type Scenario, Stage } from './stage.js';

/** Plays a scenario on an embedded broker of its own, and gives the text of its recording. */
export async function recordOnEmbedded(scenario: Scenario): Promise<string> {
  const broker = await brokers.embedded();
  if ('missing' in broker) throw new Error(broker.missing);
  try {
    return await Stage.record(scenario, broker.url);
  } finally {
    await broker.stop();
  }
}
