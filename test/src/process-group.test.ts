import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { before, describe, it } from 'mocha';
import { skipBecause } from './support/lane.js';
import { Program, projectRoot } from './support/program.js';
import { until } from './support/until.js';

/** Whether a process runs; one that ended but that nobody has asked for counts as gone. */
async function lives(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return stat !== undefined && !/\) [ZX] /.test(stat);
}

describe('programs in a process group', function () {
  this.timeout(180_000);
  before(function () {
    if (process.platform !== 'linux') skipBecause(this, 'processes are looked up in /proc');
  });

  it('end with all their children', async () => {
    const program = new Program('/bin/sh', ['-c', 'sleep 300 & echo child $!; wait'], { group: true });
    await program.says(/child \d+/);
    const child = Number(/child (\d+)/.exec(program.output)?.[1]);
    await program.stop();
    await until('the child is gone', async () => !(await lives(child)));
  });

  it('end when the tests are killed', async () => {
    const script = `
      const { Program } = await import('${projectRoot}/test/dist/support/program.js');
      const program = new Program('/bin/sh', ['-c', 'echo ready; exec sleep 300'], { group: true });
      await program.says(/ready/);
      console.log('group', program.pid);
      setInterval(() => undefined, 1_000);`;
    const tests = new Program(process.execPath, ['--input-type=module', '-e', script]);
    await tests.says(/group \d+/);
    const group = Number(/group (\d+)/.exec(tests.output)?.[1]);
    expect(await lives(group)).to.equal(true);
    tests.kill('SIGKILL');
    await tests.exited;
    await until('the group is gone', async () => !(await lives(group)));
  });
});
