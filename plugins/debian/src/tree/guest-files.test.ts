import {
  BuildError,
  type FakeContext,
  fakeContext,
  type RecordedSandboxRun,
  type Sandbox,
} from '@imagefactory/plugin-api';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { runGuestScript, writeGuestFiles } from './guest-files.js';

describe('files and scripts of a guest', () => {
  let context: FakeContext;
  let sandbox: Sandbox;
  const runs = (): readonly RecordedSandboxRun[] => context.sandbox.runs;
  beforeEach(async () => {
    context = await fakeContext();
    sandbox = await context.sandbox.open();
  });
  afterEach(() => context.dispose());

  it('are written from within the tree, one run for all', async () => {
    await writeGuestFiles(sandbox, '/tree', [
      { path: "/etc/it's", content: 'one' },
      { path: '/etc/run', content: 'two', mode: 0o755 },
    ]);
    expect(runs()).to.have.length(1);
    const { stage } = runs()[0]!.options;
    expect(stage?.['1']?.content).to.equal('two');
    expect(stage?.['run.sh']?.content).to.match(/\nput 0 644 '\/etc\/it'\\''s'\nput 1 755 '\/etc\/run'\n$/);
    await writeGuestFiles(sandbox, '/tree', []);
    expect(runs()).to.have.length(1);
  });

  it('are refused at paths that are not those of files', async () => {
    for (const path of ['etc/x', '/etc/', '/a/../b', '/a\0b', '']) {
      const outcome = await writeGuestFiles(sandbox, '/tree', [{ path, content: '' }]).catch(
        (e: unknown) => e,
      );
      expect(outcome, path).to.be.instanceOf(BuildError).with.property('code', 'template_invalid');
    }
    expect(runs()).to.deep.equal([]);
  });

  it('run with their own interpreter, white space before it or not, else in a login shell', async () => {
    await runGuestScript(sandbox, '/tree', 'command "a"', 'echo -e hi');
    await runGuestScript(sandbox, '/tree', 'command "b"', '\n  #!/usr/bin/perl\nprint 1');
    const [shell, perl] = runs();
    expect(shell?.options.stage?.['script']).to.deep.equal({ content: 'echo -e hi\n', mode: 0o755 });
    expect(shell?.options.stage?.['run.sh']?.content).to.contain('exec /bin/bash --login');
    expect(perl?.options.stage?.['script']?.content).to.equal('#!/usr/bin/perl\nprint 1');
    expect(perl?.options.stage?.['run.sh']?.content).not.to.contain('bash');
    expect(runs().map(({ options }) => options.label)).to.deep.equal(['command "a"', 'command "b"']);
  });
});
