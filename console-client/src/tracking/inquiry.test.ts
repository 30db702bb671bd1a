import { QmfError } from '@imagefactory/qmf';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Inquiry } from './inquiry.js';

describe('an inquiry', () => {
  it('tells once that the agent leaves questions unanswered, and once that it answers', async () => {
    const told: (boolean | string)[] = [];
    let asked = 0;
    const answered = new Promise<void>(resolve => {
      const inquiry = new Inquiry({
        ask: () => {
          told.push('?');
          if (++asked <= 4) return Promise.reject(new QmfError('timeout', 'no answer'));
          resolve();
          return Promise.resolve();
        },
        isBusThere: () => true,
        onSilence: isSilent => told.push(isSilent),
      });
      inquiry.start();
    });
    await answered;
    await new Promise(resolve => setImmediate(resolve));
    expect(told).to.deep.equal(['?', '?', '?', true, '?', '?', false]);
  });

  it('does not blame the agent for a bus that is away', async () => {
    const told: boolean[] = [];
    let isThere = true;
    let asked = 0;
    await new Promise<void>(resolve => {
      new Inquiry({
        ask: () => {
          if (++asked === 3) {
            isThere = false;
            resolve();
          }
          return Promise.reject(new QmfError('timeout', 'no answer'));
        },
        isBusThere: () => isThere,
        onSilence: isSilent => told.push(isSilent),
      }).start();
    });
    await new Promise(resolve => setImmediate(resolve));
    expect(told).to.deep.equal([]);
  });
});
