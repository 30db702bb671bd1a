import { existsSync } from 'node:fs';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { BuildError } from '../errors.js';
import { createUrlRule } from '../urls/url-rule.js';
import { networkRequirement, requireNetwork } from './network-tools.js';
import { networkOff, outboundHook, outboundRoutes, wantsNetwork } from './network.js';

describe('outboundRoutes', () => {
  const rule = createUrlRule({
    resolve: name =>
      name === 'mirror.lan'
        ? Promise.resolve([
            { address: '10.5.0.1', family: 4 },
            { address: 'fd00::1', family: 6 },
          ])
        : Promise.reject(new Error('unknown')),
  });

  it('keep a guest off all networks that are not public, and off this machine', async () => {
    const routes = await outboundRoutes(rule, [], ['8.1.2.3']);
    for (const line of ['10.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '192.168.0.0/16', '8.1.2.3/32'])
      expect(routes).to.include(`route add unreachable ${line}`);
    expect(routes).to.include('route del 10.0.2.0/24 dev tap0');
    expect(routes.filter(line => line.includes('via'))).to.deep.equal([]);
  });

  it('lead to the servers that the operator has configured, but to no loopback', async () => {
    const servers = [
      'http://mirror.lan/a',
      'https://mirror.lan/b',
      'http://unknown/',
      'http://127.0.0.1/',
      'no',
    ];
    const routes = await outboundRoutes(rule, servers, ['10.5.0.1']);
    expect(routes.filter(line => line.includes('via'))).to.deep.equal([
      'route replace 10.5.0.1/32 via 10.0.2.2 dev tap0',
    ]);
    expect(routes).not.to.include('route add unreachable 10.5.0.1/32');
  });

  it('are those of slirp4netns where private addresses are allowed', async () => {
    expect(
      await outboundRoutes(createUrlRule({ allowPrivateAddresses: true }), ['http://mirror.lan/']),
    ).to.deep.equal([]);
  });

  it('are set before the guest starts, and a failure ends it', () => {
    expect(outboundHook('/b/network', ['route add unreachable 10.0.0.0/8'])).to.match(
      /^set -eu$[^]*-batch - <<END\nroute add unreachable 10.0.0.0\/8\nEND\n$/m,
    );
  });
});

describe('requireNetwork', () => {
  for (const [tool, name] of [
    ['slirp4netns', 'slirp4netns'],
    ['ip', 'iproute2'],
  ] as const) {
    it(`names ${tool} and its remedy where it is missing`, async () => {
      const requirement = networkRequirement(asked => Promise.resolve(asked === tool ? undefined : '/x'));
      const found = await requirement;
      if (found.state !== 'missing') throw new Error('nothing is missing');
      const error: unknown = await requireNetwork(requirement).catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(BuildError).with.property('code', 'tool_missing');
      expect(String(error)).to.contain(found.remedy);
      if (existsSync('/dev/net/tun')) expect(found.remedy).to.contain(name);
    });
  }
});

describe('networkOff', () => {
  const cause = new BuildError('tool_failed', 'failed');
  for (const line of [
    'curl: (6) Could not resolve host: example.com',
    "wget: bad address 'example.com'",
    'ping: example.com: Temporary failure in name resolution',
    'Err:1 http://example.com x InRelease Temporary failure resolving',
    'connect: Network is unreachable',
    'getaddrinfo: Name or service not known',
    'npm error network request to http://example.com failed, reason: getaddrinfo EAI_AGAIN example.com',
    'dial tcp: lookup example.com on 127.0.0.53:53: read: connection refused',
    'java.net.UnknownHostException: example.com',
  ]) {
    it(`is the failure of a program that says: ${line}`, () => {
      expect(wantsNetwork(line)).to.equal(true);
      const error = networkOff('command "x"', line, cause);
      expect(error).to.include({ code: 'network_off', cause });
      expect(error.message).to.contain(line).and.contain('--command-network');
    });
  }

  it('is no other failure', () => expect(wantsNetwork('cat: x: No such file or directory')).to.equal(false));
});
