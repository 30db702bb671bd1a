import type { Pair } from '../fleet.js';

/** Events that the broker has not accepted yet, at most. */
const EVENT_WINDOW = 1_000;

/** Sends events and waits for all of them; gives the milliseconds from the first one sent to the last one received. */
export async function burst({ requester, responder }: Pair, count: number): Promise<number> {
  await requester.ask('expectEvents', { count });
  const begin = await responder.ask('raise', { count, window: EVENT_WINDOW });
  return (await requester.ask('eventsReceived', {})) - begin;
}
