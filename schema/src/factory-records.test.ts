import { expect } from 'chai';
import { Int, type Value } from '@imagefactory/qmf';
import { describe, it } from 'mocha';
import { FactoryRecords, NEWS_PACKAGE, SEQUENCE_PROPERTY, sequenceOf } from './index.js';

describe('FactoryRecords', () => {
  it('is a class of our own package', () => {
    expect(FactoryRecords.schema.id.packageName).to.equal(NEWS_PACKAGE);
  });
});

describe('the sequence of an event', () => {
  const of = (value: Value): number | undefined =>
    sequenceOf({ properties: new Map([[SEQUENCE_PROPERTY, value]]) });

  it('is a whole number from 1 on, of any integer type', () => {
    expect(of(new Int('int64', 5_000_000_000))).to.equal(5_000_000_000);
    expect(of(new Int('uint32', 1))).to.equal(1);
  });

  it('is absent for all else', () => {
    const tooLarge = new Int('int64', 2n ** 60n);
    for (const value of ['7', null, tooLarge, new Int('int32', 0), new Int('int32', -1)])
      expect(of(value)).to.equal(undefined);
    expect(sequenceOf({ properties: new Map() })).to.equal(undefined);
  });
});
