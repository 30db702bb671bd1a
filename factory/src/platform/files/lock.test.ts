import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { takeLock, waitForLock } from './lock.js';

describe('a lock that somebody else holds', () => {
  it('is waited for as long as was said, also when the clock is set back meanwhile', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'lock-test-'));
    const { now } = Date;
    try {
      const path = join(directory, 'lock');
      const held = await takeLock(path);
      const waiting = waitForLock(path, 50);
      Date.now = () => now() - 3_600_000; // by it the waiting would last an hour
      expect((await waiting).kind).to.equal('taken');
      if (held.kind === 'held') held.lock.release();
      expect((await waitForLock(path, 50)).kind).to.equal('held');
    } finally {
      Date.now = now;
      await rm(directory, { recursive: true });
    }
  });
});
