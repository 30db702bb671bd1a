import fc from 'fast-check';
import { Float, Int, type IntType, Uuid, type Value, type ValueList, type ValueMap } from '../value/value.js';

/** Random values for property tests; not part of the package's door. */

const widths: Readonly<Record<IntType, readonly [bigint, bigint]>> = {
  int8: [-0x80n, 0x7fn],
  uint8: [0n, 0xffn],
  int16: [-0x8000n, 0x7fffn],
  uint16: [0n, 0xffffn],
  int32: [-0x8000_0000n, 0x7fff_ffffn],
  uint32: [0n, 0xffff_ffffn],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
};

export const intTypes = Object.keys(widths) as IntType[]; // the keys of a Record<IntType, ...>

/** Integers of every width, the ends of each width and of `number` among them. */
export const arbitraryInt: fc.Arbitrary<Int> = fc.constantFrom(...intTypes).chain(type => {
  const [min, max] = widths[type];
  const ends = [
    min,
    max,
    0n,
    1n,
    2n ** 53n,
    2n ** 53n - 1n,
    -(2n ** 53n),
    -(2n ** 53n) + 1n,
    127n,
    128n,
    255n,
    256n,
  ];
  return fc
    .oneof(fc.bigInt({ min, max }), fc.constantFrom(...ends.filter(end => end >= min && end <= max)))
    .map(value => new Int(type, value));
});

export const arbitraryFloat: fc.Arbitrary<Float> = fc.oneof(
  fc.double().map(value => new Float('double', value)),
  fc.float().map(value => new Float('float', value)),
);

export const arbitraryUuid: fc.Arbitrary<Uuid> = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map(bytes => new Uuid(bytes));

/** Any Unicode text; now and then longer than the short forms of the encodings hold. */
export const arbitraryText: fc.Arbitrary<string> = fc.oneof(
  { weight: 20, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 10, arbitrary: fc.string({ maxLength: 60 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', minLength: 200, maxLength: 300 }) },
);

/** Text of at most 255 bytes, which is what a key may have. */
export const arbitraryKey: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom('__proto__', 'constructor', 'toString', '_values', '', 'x'.repeat(255)),
);

export const arbitraryBinary: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 10, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  { weight: 1, arbitrary: fc.uint8Array({ minLength: 250, maxLength: 260 }) },
);

const { value, list, map } = fc.letrec<{ value: Value; list: ValueList; map: ValueMap }>(tie => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    arbitraryText,
    arbitraryInt,
    arbitraryFloat,
    arbitraryUuid,
    arbitraryBinary,
    tie('list'),
    tie('map'),
  ),
  list: fc.array(tie('value'), { maxLength: 6 }),
  map: fc.array(fc.tuple(arbitraryKey, tie('value')), { maxLength: 6 }).map(entries => new Map(entries)),
}));

export const arbitraryValue: fc.Arbitrary<Value> = value;
export const arbitraryValueList: fc.Arbitrary<ValueList> = list;
export const arbitraryValueMap: fc.Arbitrary<ValueMap> = map;
