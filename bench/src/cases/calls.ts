import type { Fleet } from '../fleet.js';
import { interleaved } from '../rounds.js';
import { withCpuTime } from './cpu.js';
import { isEmbedded, type Line, type Sizes } from './lines.js';

export async function oneInFlight(fleet: Fleet, { rounds, calls }: Sizes): Promise<readonly Line[]> {
  const measured = await interleaved(fleet, rounds, async pair => {
    const ask = () => pair.requester.ask('calls', { count: calls, inFlight: 1 });
    const { result, cpu } = await withCpuTime(pair, ask);
    return { p50: result.p50, p99: result.p99, cpu: cpu / calls };
  });
  // 0.9 of bare in calls is 1.11 of bare in time.
  const limit = isEmbedded(fleet) ? 1.15 : 1.11;
  return [
    {
      kind: 'comparison',
      case: 'call-1',
      what: 'method call, 1 in flight, p50',
      unit: 'ms',
      ...measured.p50,
      goal: { text: `≤ ${limit} × bare`, met: measured.p50.ratio <= limit },
    },
    {
      kind: 'comparison',
      case: 'call-1',
      what: 'method call, 1 in flight, p99',
      unit: 'ms',
      ...measured.p99,
    },
    {
      kind: 'comparison',
      case: 'call-1',
      what: 'CPU time of such a call, both ends',
      unit: 'ms',
      ...measured.cpu,
    },
  ];
}

export async function manyInFlight(
  fleet: Fleet,
  { rounds, concurrentCalls }: Sizes,
): Promise<readonly Line[]> {
  const { perSecond } = await interleaved(fleet, rounds, async ({ requester }) => {
    const figures = await requester.ask('calls', { count: concurrentCalls, inFlight: 64 });
    return { perSecond: figures.perSecond };
  });
  return [
    {
      kind: 'comparison',
      case: 'call-64',
      what: 'method calls, 64 in flight',
      unit: '1/s',
      ...perSecond,
      goal: { text: '≥ 0.9 × bare', met: perSecond.ratio >= 0.9 },
    },
  ];
}
