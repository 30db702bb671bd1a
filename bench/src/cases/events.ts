import type { Fleet } from '../fleet.js';
import { interleaved } from '../rounds.js';
import { burst } from './burst.js';
import { isEmbedded, type Line, type Sizes } from './lines.js';

export async function events(fleet: Fleet, sizes: Sizes): Promise<readonly Line[]> {
  const { perSecond } = await interleaved(fleet, sizes.rounds, async pair => ({
    perSecond: sizes.events / ((await burst(pair, sizes.events)) / 1_000),
  }));
  const goal = isEmbedded(fleet)
    ? { text: '≥ 20 000/s', met: perSecond.qmf >= 20_000 }
    : { text: '≥ 0.9 × bare', met: perSecond.ratio >= 0.9 };
  return [
    { kind: 'comparison', case: 'events', what: 'events to one console', unit: '1/s', ...perSecond, goal },
  ];
}
