import type { Fleet } from '../fleet.js';
import { median } from '../statistics.js';
import type { Line, Sizes } from './lines.js';

/** Milliseconds between two events: what the figure may be wrong by. */
const PAUSE = 5;
const LIMIT = 2_000;

/**
 * From the moment that agent and console lose the broker, which is back at once, to the first event raised after it that the
 * console gets; with default settings, so by luck of the jitter.
 */
export async function recovery({ behindRelay }: Fleet, { rounds }: Sizes): Promise<readonly Line[]> {
  const { relay, pair } = await behindRelay();
  const times: number[] = [];
  await pair.responder.ask('drip', { pause: PAUSE });
  for (let round = 0; round < rounds; round++) {
    await pair.requester.ask('nextEventSince', { time: 0 });
    const cut = await relay.ask('cut', {});
    times.push((await pair.requester.ask('nextEventSince', { time: cut })) - cut);
  }
  const longest = Math.max(...times);
  return [
    {
      kind: 'duration',
      case: 'recovery',
      what: 'broker lost, to the next event delivered',
      median: median(times),
      longest,
      goal: { text: `≤ ${LIMIT} ms`, met: longest <= LIMIT },
    },
  ];
}
