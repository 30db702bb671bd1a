import { execFile } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { until } from '../testing/poll.test.fixture.js';
import { Deadlines } from './deadlines.js';

describe('Deadlines', () => {
  it('runs tasks when they are due, the earlier first, however they were given', async () => {
    const deadlines = new Deadlines();
    const begin = performance.now();
    const ran: [string, number][] = [];
    for (const delay of [60, 5, 30, 30.5]) {
      deadlines.after(delay, () => ran.push([String(delay), performance.now() - begin]));
    }
    await until('all have run', () => ran.length === 4);
    expect(ran.map(([name]) => name)).to.deep.equal(['5', '30', '30.5', '60']);
    for (const [name, at] of ran) expect(at).to.be.at.least(Number(name));
  });

  it('leaves out what was called off, also by a task that is due at the same time', async () => {
    const deadlines = new Deadlines();
    const ran: string[] = [];
    const cancelFirst = deadlines.after(1, () => ran.push('first'));
    deadlines.after(10, () => cancelOther());
    const cancelOther = deadlines.after(10.001, () => ran.push('other'));
    deadlines.after(20, () => ran.push('last'));
    cancelFirst();
    cancelFirst();
    await until('the last has run', () => ran.includes('last'));
    expect(ran).to.deep.equal(['last']);
  });

  it('takes a delay that is none for none, and the longest of Node.js for a longer one', async () => {
    const deadlines = new Deadlines();
    const ran: string[] = [];
    deadlines.after(Number.NaN, () => ran.push('NaN'));
    deadlines.after(-5, () => ran.push('negative'));
    const cancel = deadlines.after(1e15, () => ran.push('years'));
    await until('both have run', () => ran.length >= 2);
    await pause(10);
    cancel();
    expect(ran).to.have.members(['NaN', 'negative']);
  });

  it('runs what a task asks for, and the others when one throws', async () => {
    const script = `
      import { Deadlines } from ${JSON.stringify(new URL('./deadlines.js', import.meta.url).href)};
      const deadlines = new Deadlines();
      process.on('uncaughtException', error => console.log(error.message));
      deadlines.after(1, () => deadlines.after(1, () => console.log('asked for')));
      deadlines.after(1.1, () => { throw new Error('thrown'); });
      deadlines.after(1.2, () => console.log('another'));
    `;
    expect((await run(script)).split('\n').sort()).to.deep.equal(['', 'another', 'asked for', 'thrown']);
  });

  it('keeps the process alive for what waits, and for nothing else', async () => {
    const script = `
      import { Deadlines } from ${JSON.stringify(new URL('./deadlines.js', import.meta.url).href)};
      const deadlines = new Deadlines();
      const cancel = deadlines.after(60_000, () => console.log('a minute'));
      cancel();
      deadlines.after(20, () => console.log('soon'));
      deadlines.after(70_000, () => undefined)();
    `;
    const begin = performance.now();
    expect(await run(script)).to.equal('soon\n');
    expect(performance.now() - begin).to.be.below(30_000);
  });
});

async function run(script: string): Promise<string> {
  const args = ['--input-type=module', '--eval', script];
  return (await promisify(execFile)(process.execPath, args, { timeout: 50_000 })).stdout;
}
