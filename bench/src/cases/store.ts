import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Change, openStore, type Store } from '@imagefactory/factory/store';
import { median } from '../statistics.js';
import type { Duration, Line, Sizes } from './lines.js';

const queriesPerRound = 100;
/** Images of one step while the store is filled. */
const perStep = 500;

/** The store of the factory: orders that share a commit beside the same ones with a commit each, and queries of one image out of many. */
export async function store({ rounds, images: count, orders: together }: Sizes): Promise<readonly Line[]> {
  const directory = await mkdtemp(join(tmpdir(), 'imagefactory-bench-'));
  let opened = await openStore(directory);
  try {
    const identifiers = await fill(opened, count);
    const [grouped, single, ratios]: [number[], number[], number[]] = [[], [], []];
    const [starts, byId, byField]: [number[], number[], number[]] = [[], [], []];
    for (let round = 0; round < rounds; round++) {
      const atOnce = await timed(() => Promise.all(Array.from({ length: together }, () => order(opened))));
      const inTurn = await timed(async () => {
        for (let n = 0; n < together; n++) await order(opened);
      });
      grouped.push(atOnce);
      single.push(inTurn);
      ratios.push(atOnce / inTurn);
      await opened.close();
      const begin = performance.now();
      opened = await openStore(directory);
      await opened.find('images', { sort: [{ field: 'size', descending: true }], limit: 20 });
      starts.push(performance.now() - begin);
      for (let query = 0; query < queriesPerRound; query++) {
        const identifier = identifiers[(query * 7919) % count] ?? '';
        byId.push(await timed(() => opened.get('images', identifier)));
      }
      const where = { status: 'complete', target: 'mock' };
      byField.push(await timed(() => opened.find('images', { where, limit: 20 })));
    }
    const goal = {
      text: `≤ 0.5 × one after the other (${Math.round(median(single))} ms)`,
      met: median(ratios) <= 0.5,
    };
    return [
      { ...line(`store: ${together} orders at once`, grouped, 150), goal },
      line(`store: start-up and first page of ${count} images`, starts, 500),
      line('store: one image by its id', byId, 1),
      line('store: a page by two fields', byField, 100),
    ];
  } finally {
    await opened.close();
    await rm(directory, { recursive: true });
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

function line(what: string, times: readonly number[], most: number): Duration {
  const middle = median(times);
  return {
    kind: 'duration',
    case: 'store',
    what,
    median: middle,
    longest: Math.max(...times),
    goal: { text: `≤ ${most} ms`, met: middle <= most },
  };
}

async function order(opened: Store): Promise<void> {
  const [id, orderId, image] = [randomUUID(), randomUUID(), randomUUID()];
  await opened.commit([
    { change: 'order.add', order: { id: orderId, caller: 'bench', door: 'qmf', action: 'build' } },
    { change: 'job.add', job: { id, kind: 'target', orderId, image, target: 'mock' } },
    imageOf(image, { status: 'pending', percent: 0 }),
  ]);
}

function imageOf(
  id: string,
  values: { readonly status: 'pending' | 'complete'; readonly percent: number; readonly size?: number },
  target = 'mock',
): Change {
  const image = { id, kind: 'target', activity: 'stored', parameters: {}, properties: {}, target } as const;
  return { change: 'image.put', image: { ...image, ...values } };
}

async function fill(opened: Store, count: number): Promise<readonly string[]> {
  const identifiers = Array.from({ length: count }, () => randomUUID());
  for (let first = 0; first < count; first += perStep) {
    await opened.commit(
      identifiers.slice(first, first + perStep).map((id, n) => {
        const values = { status: 'complete', percent: 100, size: first + n } as const;
        return imageOf(id, values, n % 2 === 0 ? 'mock' : 'openstack-kvm');
      }),
    );
  }
  return identifiers;
}
