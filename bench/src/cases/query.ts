import type { Fleet } from '../fleet.js';
import { interleaved } from '../rounds.js';
import type { Line, Sizes } from './lines.js';

export async function query(fleet: Fleet, { rounds, queries }: Sizes): Promise<readonly Line[]> {
  const measured = await interleaved(fleet, rounds, async ({ requester }) => {
    const { milliseconds, objects } = await requester.ask('queries', { count: queries });
    return { milliseconds, perSecond: objects / (milliseconds / 1_000) };
  });
  return [
    {
      kind: 'comparison',
      case: 'query-1000',
      what: 'query of 1000 objects',
      unit: 'ms',
      ...measured.milliseconds,
    },
    {
      kind: 'comparison',
      case: 'query-1000',
      what: 'objects of a query',
      unit: '1/s',
      ...measured.perSecond,
    },
  ];
}
