import type { Fleet } from '../fleet.js';
import { interleaved } from '../rounds.js';
import { burst } from './burst.js';
import { withCpuTime } from './cpu.js';
import { isEmbedded, type Line, type Sizes } from './lines.js';

export async function events(fleet: Fleet, sizes: Sizes): Promise<readonly Line[]> {
  const { perSecond, cpu } = await interleaved(fleet, sizes.rounds, async pair => {
    const measured = await withCpuTime(pair, () => burst(pair, sizes.events));
    return { perSecond: sizes.events / (measured.result / 1_000), cpu: measured.cpu / sizes.events };
  });
  const goal = isEmbedded(fleet)
    ? { text: '≥ 20 000/s', met: perSecond.qmf >= 20_000 }
    : { text: '≥ 0.9 × bare', met: perSecond.ratio >= 0.9 };
  return [
    { kind: 'comparison', case: 'events', what: 'events to one console', unit: '1/s', ...perSecond, goal },
    { kind: 'comparison', case: 'events', what: 'CPU time of an event, both ends', unit: 'ms', ...cpu },
  ];
}
