import { backoffDelay, defaultRetry } from '@imagefactory/qmf';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { agentRetry } from './retry.js';

describe('how an agent comes back to its bus', () => {
  it('is within 5 s of the broker, however long that was away', () => {
    const policy = { ...defaultRetry, ...agentRetry };
    expect(backoffDelay(50, policy, () => 1)).to.equal(5_000);
    expect(policy.giveUpAfter).to.equal(Number.POSITIVE_INFINITY);
  });
});
