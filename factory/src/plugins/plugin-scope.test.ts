import { spawnSync } from 'node:child_process';
import { expect } from 'chai';
import { describe, it } from 'mocha';

/** Runs a module in a process of its own: mocha has listeners for stray errors, which would take these for its own. */
function run(script: string): { status: number | null; stdout: string; stderr: string } {
  const module = new URL('./plugin-scope.js', import.meta.url).href;
  const source = `import { catchStrayErrors, inPluginScope, runInScope } from ${JSON.stringify(module)};\n${script}`;
  return spawnSync(process.execPath, ['--input-type=module', '--eval', source], {
    encoding: 'utf8',
    timeout: 60_000,
  });
}

const plugin = `
const scope = name => ({ onStray: error => console.log(name, String(error)) });
const restore = catchStrayErrors();
runInScope(scope('one'), async () => {
  Promise.reject(new Error('rejected'));
  setTimeout(() => { throw new Error('thrown'); }, 1);
});
runInScope(scope('two'), async () => {
  await new Promise(resolve => setTimeout(resolve, 5));
  Promise.reject('late');
});`;

describe('stray errors of plugins', () => {
  it('go to their builds and leave the process alone', () => {
    const { status, stdout } = run(`${plugin} setTimeout(() => console.log('alive', inPluginScope()), 50);`);
    expect(stdout.trim().split('\n')).to.deep.equal([
      'one Error: rejected',
      'one Error: thrown',
      'two late',
      'alive false',
    ]);
    expect(status).to.equal(0);
  });

  it('of anybody else end the process as ever', () => {
    for (const stray of [
      `Promise.reject(new Error('mine'));`,
      `setTimeout(() => { throw new Error('mine'); });`,
    ]) {
      const { status, stdout, stderr } = run(
        `${plugin} ${stray} setTimeout(() => console.log('alive'), 50);`,
      );
      expect(status, stray).not.to.equal(0);
      expect(stdout).not.to.include('alive');
      expect(stderr).to.include('mine');
    }
  });

  it('of anybody else are left to the listeners that the program has', () => {
    const { status, stdout } = run(
      `${plugin} process.on('unhandledRejection', error => { if (!inPluginScope()) console.log('own', error.message); });
       Promise.reject(new Error('mine')); setTimeout(() => console.log('alive'), 50);`,
    );
    expect(stdout).to.include('own mine').and.to.include('alive');
    expect(status).to.equal(0);
  });

  it('are as they were once nobody catches them any more', () => {
    const { status } = run(
      `${plugin} setTimeout(() => { restore(); restore(); Promise.reject(new Error('x')); }, 20);`,
    );
    expect(status).to.equal(1);
  });
});
