import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DirectoryImageManager } from '@imagefactory/agent';
import { median } from '../statistics.js';
import type { Duration, Line, Sizes } from './lines.js';

const queriesPerRound = 100;

/** The store of images, without any bus: from nothing to the first answer, and one image out of many. */
export async function images({ rounds, images: count }: Sizes): Promise<readonly Line[]> {
  const directory = await mkdtemp(join(tmpdir(), 'imagefactory-bench-'));
  try {
    const identifiers = await fill(directory, count);
    const [starts, byId, byField]: [number[], number[], number[]] = [[], [], []];
    for (let round = 0; round < rounds; round++) {
      const begin = performance.now();
      const manager = await DirectoryImageManager.open(directory);
      await manager.query({ sort: { field: 'size', descending: true }, limit: 20 });
      starts.push(performance.now() - begin);
      for (let query = 0; query < queriesPerRound; query++) {
        const identifier = identifiers[(query * 7919) % count] ?? '';
        byId.push(await timed(() => manager.imageWithId(identifier)));
      }
      byField.push(
        await timed(() => manager.query({ where: { status: 'COMPLETE', target: 'mock' }, limit: 20 })),
      );
    }
    return [
      line(`start-up and first page of ${count} images`, starts, 1000),
      line('one image by its identifier', byId, 1),
      line('a page by two fields', byField, 100),
    ];
  } finally {
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
    case: 'images',
    what,
    median: middle,
    longest: Math.max(...times),
    goal: { text: `≤ ${most} ms`, met: middle <= most },
  };
}

/** As an agent leaves them, though without waiting for the disk ten thousand times. */
async function fill(directory: string, count: number): Promise<readonly string[]> {
  const identifiers: string[] = [];
  const template = `<template><name>bench</name>${'<!-- a template of usual length -->'.repeat(30)}</template>`;
  for (let n = 0; n < count; n++) {
    const identifier = randomUUID();
    identifiers.push(identifier);
    const record = {
      identifier,
      type: 'TargetImage',
      status: 'COMPLETE',
      status_detail: { activity: 'target image complete', error: null },
      percent_complete: 100,
      created: new Date(n * 1000).toISOString(),
      target: n % 2 === 0 ? 'mock' : 'openstack-kvm',
      format: 'raw',
      size: n,
      sha256: '0'.repeat(64),
      template,
    };
    await writeFile(join(directory, `${identifier}.meta`), JSON.stringify(record));
    await writeFile(join(directory, `${identifier}.body`), '');
  }
  return identifiers;
}
