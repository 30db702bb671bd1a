import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { type ImageRecord, recordOf } from './image-record.js';
import { BaseImage, type Json, ProviderImage, TargetImage } from './persistent-image.js';
import { fieldKind, imageFields } from './query-fields.js';
import { type Condition, fieldOf, matches, operators, type Order, pageOf } from './query.js';

const record = (fields: Readonly<Record<string, Json>>): ImageRecord => ({
  identifier: 'x',
  type: 'TargetImage',
  status: 'COMPLETE',
  created: '2026-01-01T00:00:00.000Z',
  modified: '2026-01-01T00:00:00.000Z',
  revision: 1,
  ...fields,
});

const scalar = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer({ min: -20, max: 20 }),
  fc.constantFrom('', '7', 'a', 'B', 'aB'),
);
const records = fc
  .array(fc.record({ target: scalar, size: scalar, os: fc.option(fc.record({ name: scalar })) }), {
    maxLength: 25,
  })
  .map(list =>
    list.map((fields, index) => record({ ...fields, identifier: String(index).padStart(3, '0') })),
  );
const field = fc.constantFrom('target', 'size', 'os.name', 'nothing', 'os');
const condition: fc.Arbitrary<Condition> = fc.record({
  field,
  operator: fc.constantFrom(...operators),
  value: scalar,
});
const orders: fc.Arbitrary<Order[]> = fc.array(fc.record({ field, descending: fc.boolean() }), {
  maxLength: 3,
});

describe('queries of images', () => {
  it('find exactly what meets all conditions', () => {
    fc.assert(
      fc.property(records, fc.array(condition, { maxLength: 3 }), (all, where) => {
        const { items, total } = pageOf(all, { where });
        expect(items).to.have.members(all.filter(one => where.every(each => matches(one, [each]))));
        expect(total).to.equal(items.length);
      }),
    );
  });

  it('divide with every condition into those that meet it and those that do not', () => {
    fc.assert(
      fc.property(records, field, scalar, (all, name, value) => {
        const found = (operator: Condition['operator']): number =>
          pageOf(all, { where: [{ field: name, operator, value }] }).total;
        expect(found('=') + found('!=')).to.equal(all.length);
        const comparable = all.filter(one => {
          const actual = fieldOf(one, name);
          return actual !== null && typeof actual !== 'object' && value !== null;
        }).length;
        expect(found('<') + found('>=')).to.equal(comparable);
        expect(found('>') + found('<=')).to.equal(comparable);
      }),
    );
  });

  it('give pages that put together are the whole, in one order, whatever order the images came in', () => {
    fc.assert(
      fc.property(records, orders, fc.integer({ min: 1, max: 7 }), (all, sort, limit) => {
        const whole = pageOf(all, { sort }).items;
        expect(whole).to.have.members(all);
        expect(pageOf([...all].reverse(), { sort }).items).to.deep.equal(whole);
        const pages = Array.from({ length: Math.ceil(all.length / limit) }, (_, n) =>
          pageOf(all, { sort, limit, offset: n * limit }),
        );
        expect(pages.flatMap(({ items }) => items)).to.deep.equal(whole);
        expect(pages.every(({ total }) => total === all.length)).to.equal(true);
      }),
    );
  });

  it('sort by numbers and texts, up and down, what has no value last', () => {
    const all = [10, 9, null, 100].map(size => record({ identifier: String(size), size }));
    const sizes = (descending: boolean) =>
      pageOf(all, { sort: { field: 'size', descending } }).items.map(one => one['size']);
    expect(sizes(false)).to.deep.equal([9, 10, 100, null]);
    expect(sizes(true)).to.deep.equal([100, 10, 9, null]);
  });

  it('take names of fields as TypeScript and as the files have them, the kind, and what is inside', () => {
    const one = record({ base_image_id: 'b', properties: { camelCase: 1 }, os: { name: 'Debian' } });
    const found = (name: string): Json => fieldOf(one, name);
    expect(found('baseImageId')).to.equal('b');
    expect(found('base_image_id')).to.equal('b');
    expect(found('properties.camelCase')).to.equal(1);
    expect(found('kind')).to.equal('target');
    expect(found('os.name')).to.equal('Debian');
    for (const name of ['os.name.length', 'constructor', 'os.constructor', '__proto__', ''])
      expect(found(name), name).to.equal(null);
  });

  it('know all fields that are in the files', () => {
    const fields = {
      identifier: '11111111-1111-4222-8333-444455556666',
      statusDetail: { activity: 'x', error: 'y' },
      os: { name: 'Debian', version: '12', arch: 'x86_64' },
    };
    const images = [
      new BaseImage(fields),
      new TargetImage({ ...fields, target: 'mock' }),
      new ProviderImage({ ...fields, provider: 'mock-one' }),
    ];
    const written = images.flatMap(image => {
      const all = recordOf(image, '/x', 1, image.created);
      const inside = (['os', 'status_detail'] as const).flatMap(outer =>
        Object.keys(all[outer] ?? {}).map(name => `${outer}.${name}`),
      );
      return [...Object.keys(all), ...inside];
    });
    expect([...new Set(written), 'kind']).to.have.members(imageFields);
    expect(['os.name', 'baseImageId', 'kind'].map(fieldKind)).to.deep.equal(['known', 'known', 'known']);
    expect(['properties.a.b', 'os.nam', 'size.x', ''].map(fieldKind)).to.deep.equal([
      'open',
      'other',
      'other',
      'other',
    ]);
  });

  it('compare texts of numbers by number, as a command line has texts only', () => {
    const one = record({ size: 1000 });
    const holds = (operator: Condition['operator'], value: string): boolean =>
      matches(one, [{ field: 'size', operator, value }]);
    expect(holds('=', '1000') && holds('>', '999') && holds('<', '1e4') && !holds('=', '')).to.equal(true);
    expect(matches(one, [{ field: 'type', operator: '~', value: 'GETI' }])).to.equal(true);
  });
});
