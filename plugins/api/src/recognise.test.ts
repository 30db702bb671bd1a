import { expect } from 'chai';
import { describe, it } from 'mocha';
import { BuildError, buildErrorCodes, failureType, recogniseLines } from './index.js';

describe('recognised causes', () => {
  for (const [line, code, text] of [
    ['tar: x: Cannot write: No space left on device', 'no_space', 'no space left on the disk'],
    ['E: Unable to locate package tre', 'package_not_found', 'no repository has a package named tre'],
    [
      "E: Package 'tre' has no installation candidate",
      'package_not_found',
      'no repository has a package named tre',
    ],
    [
      "W: Failed to fetch http://deb.example/dists  Could not resolve 'deb.example'",
      'mirror_unreachable',
      'the name of the server deb.example could not be resolved',
    ],
    [
      "W: Failed to fetch http://deb.example/x  Temporary failure resolving 'deb.example'",
      'mirror_unreachable',
      'the name of the server deb.example could not be resolved',
    ],
    [
      'Err: Could not connect to 127.0.0.1:1 (127.0.0.1). - connect (111: Connection refused)',
      'mirror_unreachable',
      'the server 127.0.0.1:1 could not be reached',
    ],
    ['HTTP/1.1 401 Unauthorized', 'credentials_refused', 'the credentials were refused'],
  ] as const) {
    it(`are found in: ${line}`, () => {
      expect(recogniseLines(['something else', line, 'Sub-process returned an error code'])).to.deep.equal({
        code,
        text,
      });
    });
  }

  it('are not found where there is none', () => {
    expect(recogniseLines(['all is well', 'error: 42'])).to.equal(undefined);
  });

  it('are found in errors of the system, however deep', () => {
    const full = Object.assign(new Error('write ENOSPC'), { code: 'ENOSPC' });
    expect(BuildError.from(full)).to.include({
      code: 'no_space',
      message: 'no space left on the disk (write ENOSPC)',
    });
    const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    expect(BuildError.from(new TypeError('fetch failed', { cause: refused }))).to.include({
      code: 'mirror_unreachable',
    });
    expect(BuildError.from(Object.assign(new Error('x'), { code: 'toString' }))).to.include({
      code: 'internal',
    });
  });

  it('have a type each on the bus', () => {
    expect(failureType('aborted')).to.equal('Aborted');
    expect(failureType('agent_restarted')).to.equal('AgentRestarted');
    expect(new Set(buildErrorCodes.map(failureType)).size).to.equal(buildErrorCodes.length);
  });
});
