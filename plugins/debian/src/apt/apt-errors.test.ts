import { BuildError, type RunOptions } from '@imagefactory/plugin-api';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { runApt } from './apt-errors.js';

/** What comes of a tool of the apt family that prints these lines and fails. */
async function failure(...lines: readonly string[]): Promise<string> {
  const run = (_file: string, _args: readonly string[], options: RunOptions = {}): Promise<never> => {
    for (const line of lines) options.onLine?.(line, 'stdout');
    return Promise.reject(
      new BuildError('tool_failed', `apt-get failed with status 100: ${lines.at(-1) ?? ''}`),
    );
  };
  const error: unknown = await runApt(run, 'apt-get', [], { label: 'installing packages' }).catch(
    (reason: unknown) => reason,
  );
  if (!(error instanceof BuildError)) throw new Error('that is no BuildError');
  return `${error.code}: ${error.message}`;
}

const subProcess = 'E: Sub-process /usr/bin/dpkg returned an error code (1)';

describe('the failures of apt', () => {
  it('are those of the package whose script failed, with what that said last', async () => {
    expect(
      await failure(
        'Setting up zlib1g (1:1.2.13) ...',
        'Setting up breaks (1.0) ...',
        'cannot reach the licence server',
        'dpkg: error processing package breaks (--configure):',
        ' installed breaks package post-installation script subprocess returned error exit status 3',
        'dpkg: error processing package wants-breaks (--configure):',
        ' dependency problems - leaving unconfigured',
        'Errors were encountered while processing:',
        ' breaks',
        subProcess,
      ),
    ).to.equal(
      'tool_failed: installing packages failed: package breaks: cannot reach the licence server; installed breaks package post-installation script subprocess returned error exit status 3',
    );
  });

  it('say what dpkg says where the script said nothing', async () => {
    expect(
      await failure(
        'Setting up quiet (1.0) ...',
        'dpkg: error processing package quiet:amd64 (--configure):',
        ' installed quiet package post-installation script subprocess was killed by signal (Killed)',
        subProcess,
      ),
    ).to.equal(
      'tool_failed: installing packages failed: package quiet: installed quiet package post-installation script subprocess was killed by signal (Killed)',
    );
    expect(
      await failure(
        'Unpacking two (1.0) ...',
        'dpkg: error processing archive /var/cache/apt/archives/two_1.0_all.deb (--unpack):',
        " trying to overwrite '/usr/bin/x', which is also in package one 1.0",
        subProcess,
      ),
    ).to.include("package two: trying to overwrite '/usr/bin/x'");
    expect(await failure('dpkg: error processing package odd (--configure):', subProcess)).to.include(
      'package odd: dpkg does not say why',
    );
  });

  for (const [line, told] of [
    ['E: Unable to locate package nosuch', 'nosuch'],
    ["E: Version '99:1' for 'bash' was not found", 'bash in the version 99:1'],
    ["E: Release 'sid' for 'bash' was not found", 'bash in the version sid'],
    ["E: Package 'foo' has no installation candidate", 'foo'],
    ["E: Couldn't find any package by glob 'x*'", 'x*'],
  ] as const) {
    it(`are of the code package_not_found: ${line}`, async () => {
      expect(await failure(line)).to.equal(
        `package_not_found: /template/packages: no repository of this template has a package named ${told}`,
      );
    });
  }

  it('name a package that another one needs and nobody has', async () => {
    expect(
      await failure(
        'The following packages have unmet dependencies:',
        ' mine : Depends: theirs (>= 2) but it is not installable',
        'E: Unable to correct problems, you have held broken packages.',
      ),
    ).to.equal(
      'package_not_found: /template/packages: no repository of this template has a package named theirs, which mine needs',
    );
  });

  it('say which dependency cannot be met', async () => {
    expect(
      await failure(
        'The following packages have unmet dependencies:',
        ' mine : Depends: theirs (>= 2) but 1.0 is to be installed',
        '        Depends: other but it is not going to be installed',
        'E: Unable to correct problems, you have held broken packages.',
      ),
    ).to.equal(
      'tool_failed: installing packages failed: mine : Depends: theirs (>= 2) but 1.0 is to be installed',
    );
  });

  for (const line of [
    "E: You don't have enough free space in /var/cache/apt/archives/.",
    'E: Write error - write (28: No space left on device)',
    ' cannot copy extracted data for ./usr/bin/x to /usr/bin/x.dpkg-new: failed to write (No space left on device)',
  ]) {
    it(`are of the code no_space: ${line}`, async () => {
      expect(
        await failure('dpkg: error processing archive /x/big_1_all.deb (--unpack):', line, subProcess),
      ).to.match(/^no_space: installing packages failed: no space left on the disk/);
    });
  }
});
