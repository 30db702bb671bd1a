import type { Fleet } from '../fleet.js';
import type { Child } from '../process/child.js';
import type { CallFigures, QmfRequester } from '../roles/contract.js';
import { median } from '../statistics.js';
import type { Line, Sizes } from './lines.js';

/** What a console notices of another that asks much: its calls, one at a time, beside the same calls in quiet. */
export async function sharing(fleet: Fleet, sizes: Sizes): Promise<readonly Line[]> {
  const { rounds, sharedCalls, floodInFlight, floodAtOnce } = sizes;
  const { requester } = fleet.qmf;
  const other = await fleet.another();
  const calls = (): Promise<CallFigures> => requester.ask('calls', { count: sharedCalls, inFlight: 1 });
  await calls();
  const quiet: CallFigures[] = [];
  const besideQuery: CallFigures[] = [];
  const besideFlood: CallFigures[] = [];
  const plain: number[] = [];
  const worst: number[] = [];
  for (let round = 0; round < rounds; round++) {
    quiet.push(await calls());
    await other.ask('askMuch', {});
    besideQuery.push(await calls());
    await other.ask('calm', {});
    await other.ask('flood', { inFlight: floodInFlight });
    besideFlood.push(await calls());
    await other.ask('calm', {});
    const times = await other.ask('queryTimes', {});
    plain.push(times.plain);
    worst.push(times.worst);
  }
  const { longest, alone } = await besideBurst(requester, other, floodAtOnce);
  const p99 = (figures: readonly CallFigures[]): number[] => figures.map(one => one.p99);
  const ratio = median(besideFlood.map((one, round) => one.p99 / (quiet[round]?.p99 ?? Number.NaN)));
  const line = (what: string, times: readonly number[], text: string, met: boolean): Line => ({
    kind: 'duration',
    case: 'sharing',
    what,
    median: median(times),
    longest: Math.max(...times),
    goal: { text, met },
  });
  const answered = p99(besideQuery);
  return [
    line('call in quiet, p99', p99(quiet), 'the measure', true),
    line('plain query', plain, 'the measure', true),
    line('costliest query', worst, 'ends with its budget', true),
    line("call beside another's costliest queries, p99", answered, '≤ 50 ms', median(answered) <= 50),
    line(
      `call beside ${floodInFlight} in flight of another, p99`,
      p99(besideFlood),
      `≤ 5 × quiet (${ratio.toFixed(1)})`,
      ratio <= 5,
    ),
    line(`${floodAtOnce} calls of another at once, until all have ended`, [alone], 'the measure', true),
    line('longest call meanwhile', [longest], 'no longer than these take', longest <= alone),
  ];
}

async function besideBurst(
  requester: Child<QmfRequester>,
  other: Child<QmfRequester>,
  count: number,
): Promise<{ readonly longest: number; readonly alone: number }> {
  const begin = performance.now();
  const state = { isOver: false };
  const burst = other.ask('callAtOnce', { count }).finally(() => {
    state.isOver = true;
  });
  const times: number[] = [];
  while (!state.isOver) times.push((await requester.ask('calls', { count: 1, inFlight: 1 })).p99);
  const outcomes = await burst;
  if (outcomes.failed > 0) throw new Error(`calls of the burst had no answer: ${JSON.stringify(outcomes)}`);
  return { longest: Math.max(...times), alone: performance.now() - begin };
}
