import { randomUUID } from 'node:crypto';
import { type Change, type ImageInput, openMemoryStore, type Store } from '@imagefactory/factory/store';
import { rejection } from '@imagefactory/factory/testing';
import type { PlainMap } from '@imagefactory/qmf';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { eventsPage } from './history.js';
import { imagesPage, type RecordsParts } from './pages.js';

describe('images and imports on record', () => {
  let record: Store;
  let parts: RecordsParts;
  beforeEach(async () => {
    record = await openMemoryStore();
    parts = { record, session: { name: 'redhat.com:imagefactory:x' } };
  });
  afterEach(() => record.close());

  const image = (values: Partial<ImageInput> & Pick<ImageInput, 'kind'>): Change => ({
    change: 'image.put',
    image: {
      ...{ id: randomUUID(), status: 'complete', percent: 100, activity: 'stored' },
      ...{ parameters: {}, properties: {}, ...values },
    },
  });
  const items = ({ items: found }: { readonly items: unknown }): PlainMap[] => found as PlainMap[]; // by the schema

  it('images have the names of the bus, and only the fields with a value', async () => {
    const id = randomUUID();
    await record.commit([
      image({ id, kind: 'provider', provider: 'one', identifierOnProvider: 'ami-1', size: 5e9 }),
    ]);
    const [only, ...others] = items(await imagesPage({ where: { identifier_on_provider: 'ami-1' } }, parts));
    expect(others).to.deep.equal([]);
    expect(only).to.include({
      id,
      kind: 'provider',
      identifier_on_provider: 'ami-1',
      size: 5e9,
      revision: 1,
    });
    expect(only).to.not.have.any.keys('account', 'sha256', 'callerImageUuid');
    const refused = await rejection(imagesPage({ where: { identifierOnProvider: 'ami-1' } }, parts));
    expect(String(refused)).to.include('there are id, ').and.to.include(' identifier_on_provider, ');
  });

  it('a page ends before it is too large for a message, and the next one goes on there', async () => {
    const text = 'x'.repeat(300_000);
    const changes = Array.from({ length: 7 }, () => image({ kind: 'target', parameters: { text } }));
    await record.commit([...changes, image({ kind: 'base', parameters: { text: text.repeat(5) } })]);
    const ids: unknown[] = [];
    const sizes: number[] = [];
    for (let after: string | undefined, more = true; more; ) {
      const page = await imagesPage(after === undefined ? {} : { after }, parts);
      ids.push(...items(page).map(({ id }) => id));
      sizes.push(items(page).length);
      after = page.next;
      more = after !== undefined;
    }
    expect(new Set(ids)).to.have.property('size', 8);
    expect(Math.max(...sizes)).to.equal(3);
    expect(sizes).to.include(1);
  });

  it('an import is an event with its uuids; other images without jobs are none', async () => {
    const [set, batch, target, provider] = Array.from({ length: 4 }, () => randomUUID());
    const made = { adaptor: 'build_adaptor-x' };
    await record.commit([
      { change: 'image_set.put', imageSet: { id: set ?? '', description: '<image/>' } },
      { change: 'batch.put', batch: { id: batch ?? '', imageSet: set ?? '' } },
      image({ id: target ?? '', kind: 'target', target: 'mock', batch: batch ?? '' }),
      image({
        ...{ id: provider ?? '', kind: 'provider', target: 'mock', batch: batch ?? '', parent: target ?? '' },
        ...{ provider: 'mock-one', identifierOnProvider: 'ami-1' },
      }),
      image({ kind: 'provider', properties: made }),
      image({ kind: 'provider', status: 'failed', error: 'gone' }),
    ]);
    const { events, next } = await eventsPage({ build: '', from: 1 }, parts);
    const [only, ...others] = events as PlainMap[]; // by the schema
    expect(others).to.deep.equal([]);
    expect(only).to.deep.include({
      ...{ event: 'IMPORT', image: set, build: batch, target_image: target, provider_image: provider },
      ...{ target: 'mock', provider: 'mock-one', target_identifier: 'ami-1', seq: 2 },
    });
    expect(next).to.equal(5);
    expect(await eventsPage({ build: provider ?? '', from: 1 }, parts)).to.deep.include({
      events,
      over: true,
    });
  });
});
