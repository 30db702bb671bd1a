import { spawnSync } from 'node:child_process';
import { expect } from 'chai';
import { describe, it } from 'mocha';

/** In a process of its own, since mocha's own listeners would take stray errors for failures of the test. */
function build(plugin: string): { status: number | null; stdout: string; stderr: string } {
  const from = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
  const source = `
    import { mkdtemp, rm } from 'node:fs/promises';
    import { tmpdir } from 'node:os';
    import { join } from 'node:path';
    import { BuildEngine } from ${from('./engine.js')};
    import { openScratchArea } from ${from('../platform/files/scratch-area.js')};
    import { DirectoryStore } from ${from('../images/index.js')};
    import { silentLogger } from ${from('../platform/log/index.js')};
    import { parseTemplate } from ${from('../templates/index.js')};
    import { fakeCloud, fakeOs } from ${from('../testing/fake-plugins.js')};
    const directory = await mkdtemp(join(tmpdir(), 'stray-test-'));
    const engine = await BuildEngine.open({
      plugins: [fakeOs(context => ${plugin}), fakeCloud()],
      store: await DirectoryStore.open(directory),
      scratch: await openScratchArea(directory),
      logs: directory, cache: directory, grace: 0.05, log: silentLogger,
    });
    const descriptor = '<template/>';
    const one = engine.create({ descriptor, template: parseTemplate(descriptor), target: 'mock' });
    const ended = new Promise(resolve => one.onChange(({ state }) => state?.failure && resolve(state.failure)));
    engine.start(one);
    console.log(JSON.stringify(await ended));
    await engine.stop();
    await rm(directory, { recursive: true });
  `;
  return spawnSync(process.execPath, ['--input-type=module', '--eval', source], {
    encoding: 'utf8',
    timeout: 60_000,
  });
}

describe('a plugin that drops errors', () => {
  const forever = 'new Promise(() => { setTimeout(() => undefined, 200); })';
  for (const [what, plugin] of [
    ['a rejection', `{ Promise.reject(new Error('dropped')); return ${forever}; }`],
    [
      'an exception in a timer',
      `{ setTimeout(() => { throw new Error('dropped'); }, 1); return ${forever}; }`,
    ],
  ] as const) {
    it(`pays for ${what} with its own build`, () => {
      const { status, stdout, stderr } = build(plugin);
      expect(stderr).to.equal('');
      expect(JSON.parse(stdout)).to.deep.include({
        code: 'internal',
        info:
          'Failure encountered while: making the base image: the plugin left an error unhandled: dropped; ' +
          'it did not stop within 0.05 s and was left behind',
      });
      expect(status).to.equal(0);
    });
  }
});
