import { Command } from 'commander';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { daemonOptions } from './daemon-options.js';
import type { DaemonFlags } from './program.js';
import { sandboxSettings } from './sandbox-settings.js';

describe('the options of sandboxes', () => {
  const settings = (...words: readonly string[]) => {
    const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
    for (const option of daemonOptions()) program.addOption(option);
    program.parse([...words], { from: 'user' });
    return sandboxSettings(program.opts<DaemonFlags>());
  };

  it('are the ids, the limits and the network that the operator names', () => {
    expect(settings()).to.deep.equal({ commandNetwork: false });
    const words = ['--build-limit', 'memory=8G', '--build-limit', 'processes=100', '--command-network'];
    expect(settings('--build-ids', '600000:131072', ...words)).to.deep.equal({
      ids: { first: 600_000, count: 131_072 },
      limits: { memory: 8 * 1024 ** 3, processes: 100 },
      commandNetwork: true,
    });
  });

  for (const words of [
    ['--build-ids', '0:65536'],
    ['--build-ids', '600000'],
    ['--build-limit', 'memory=0'],
    ['--build-limit', 'memory=1X'],
    ['--build-limit', 'toString=1'],
    ['--build-limit', 'memory=999999999999T'],
  ]) {
    it(`refuse ${words.join(' ')}`, () =>
      expect(() => settings(...words)).to.throw(/Give one of|expected FIRST:COUNT/));
  }
});
