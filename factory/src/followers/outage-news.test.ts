import { expect } from 'chai';
import { describe, it } from 'mocha';
import { loggerTo } from '../platform/log/index.js';
import { WarehouseError } from '../warehouse/index.js';
import { OutageNews } from './outage-news.js';

const minute = 60_000;
const refused = new WarehouseError('unreachable', 'the warehouse at w:9090 cannot be reached: refused');
const failed = new WarehouseError('failed', 'GET w:9090/images/1: the warehouse failed with status 503');
const unknown = new WarehouseError(
  'not_authorised',
  'GET w:9090/images/1: the warehouse wants to know who asks',
);

describe('news of a warehouse that is away', () => {
  it('come once, then every ten minutes with what waits, and once when it is back, however often it is tried', () => {
    let now = 0;
    const lines: string[] = [];
    const log = loggerTo((level, text) => level !== 'debug' && lines.push(`${level}: ${text}`));
    const news = new OutageNews({ log, longestPause: 300_000, now: () => now });
    news.back(0);
    for (let tries = 0; tries < 25 * 60; tries++) {
      news.away(tries % 2 === 0 ? refused : failed, 1 + tries);
      now += 1_000;
    }
    expect(lines.splice(0)).to.deep.equal([
      'warn: the warehouse at w:9090 cannot be reached: refused; 1 object waits here and will be sent as soon as it takes them, which is tried at least every 300 s: nothing needs to be done here, unless --warehouse is wrong. Builds and pushes complete meanwhile (see `imagefactory image waiting`)',
      `warn: the warehouse is away still, 10 min now: ${refused.message}; 601 objects wait here`,
      `warn: the warehouse is away still, 20 min now: ${refused.message}; 1201 objects wait here`,
    ]);
    news.away(unknown, 7);
    expect(lines.splice(0).join()).to.match(/who asks; 7 objects wait.*--warehouse-key-file/);
    now += 3 * 60 * minute;
    news.back(6);
    news.back(5);
    expect(lines.splice(0)).to.deep.equal([
      'notice: the warehouse takes things again after 3 h; 6 objects to be sent',
    ]);
    news.away(failed, 1);
    expect(lines.join()).to.match(/^warn: .*503; 1 object waits here/);
  });
});
