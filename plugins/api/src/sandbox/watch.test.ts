import { tmpdir } from 'node:os';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { defaultLimits, limitExceeded, limitInFailure } from './limits.js';
import { LimitWatch } from './watch.js';

const base = {
  directory: tmpdir(),
  limits: { ...defaultLimits, bytes: 100, files: 5 },
  ids: { uid: 4_000_000_000, gid: 1 },
  cgroup: undefined,
};
const counted = (bytes: number, files: number) => ({
  ...base,
  measure: () => Promise.resolve({ bytes, files }),
});
/** A count so long ago that the next is due. */
const old = {
  own: { bytes: 0, files: 0 },
  all: { bytes: Number.MAX_SAFE_INTEGER, files: 0 },
  at: Number.NEGATIVE_INFINITY,
  took: 1,
};

describe('LimitWatch', () => {
  it('finds what a program has left above the limits of its files, even where others have freed more', async () => {
    const told: string[] = [];
    for (const [bytes, files] of [
      [101, 1],
      [1, 6],
      [100, 5],
    ] as const) {
      const watch = await LimitWatch.begin(counted(bytes, files), old, limit => void told.push(limit));
      await watch.stop();
    }
    expect(told).to.deep.equal(['bytes', 'files']);
  });

  it('hands its count to the next watch', async () => {
    const watch = await LimitWatch.begin(counted(50, 2), old, () => undefined);
    expect(await watch.stop()).to.equal(undefined);
    expect(watch.count.own).to.deep.equal({ bytes: 50, files: 2 });
  });
});

describe('limits', () => {
  it('are recognised in how a program failed', () => {
    expect(limitInFailure(153, [])).to.equal('fileSize');
    expect(limitInFailure(1, ['x: Too many open files'])).to.equal('openFiles');
    expect(limitInFailure(2, ['/bin/sh: 1: Cannot fork'])).to.equal('processes');
    expect(limitInFailure(1, ['cc1: out of memory allocating 4 bytes'])).to.equal('memory');
    expect(limitInFailure(1, ['no such file'])).to.equal(undefined);
  });

  it('are named in the failure, with the option that raises them', () => {
    const error = limitExceeded('memory', defaultLimits, 'command "x"');
    expect(error).to.include({ code: 'limit_exceeded' });
    expect(error.message).to.equal(
      'command "x" wanted more than 4096 MiB of memory; the limit is --build-limit memory=4294967296',
    );
  });
});
