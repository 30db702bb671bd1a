import { expect } from 'chai';
import { describe, it } from 'mocha';
import { BuildError } from '../errors.js';
import { networkOff } from './network.js';

describe('networkOff', () => {
  const cause = new BuildError('tool_failed', 'failed');
  for (const line of [
    'curl: (6) Could not resolve host: example.com',
    "wget: bad address 'example.com'",
    'ping: example.com: Temporary failure in name resolution',
    'Err:1 http://example.com x InRelease Temporary failure resolving',
    'connect: Network is unreachable',
    'getaddrinfo: Name or service not known',
  ]) {
    it(`is the failure of a program that says: ${line}`, () => {
      const error = networkOff('command "x"', ['before', line], cause);
      expect(error).to.include({ code: 'network_off', cause });
      expect(error?.message).to.contain('--command-network');
    });
  }

  it('is no other failure', () => expect(networkOff('x', ['No such file'], cause)).to.equal(undefined));
});
