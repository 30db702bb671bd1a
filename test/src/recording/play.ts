import { startEmbedded } from '../support/brokers/embedded.js';
import { type Scenario, Stage } from './stage.js';

/** Plays a scenario on an embedded broker of its own, and gives the text of its recording. */
export async function recordOnEmbedded(scenario: Scenario): Promise<string> {
  const broker = await startEmbedded();
  try {
    return await Stage.record(scenario, broker.url);
  } finally {
    await broker.stop();
  }
}
