import { expect } from 'chai';
import { describe, it } from 'mocha';
import { machineProxies, proxySecrets } from './machine-proxies.js';

const environment = { HTTP_PROXY: 'http://env.lan:1', https_proxy: 'http://env.lan:2', no_proxy: 'near.lan' };

async function found(env: NodeJS.ProcessEnv, dump: string): Promise<object> {
  return Object.fromEntries(await machineProxies(env, () => Promise.resolve(dump)));
}

describe('the proxies of this machine', () => {
  it("are the environment's without apt", async () => {
    expect(await found(environment, '')).to.deep.equal({
      http_proxy: 'http://env.lan:1',
      https_proxy: 'http://env.lan:2',
      no_proxy: 'near.lan',
    });
    expect(await found({ http_proxy: '' }, '')).to.deep.equal({});
  });

  it("are those of apt's configuration first, which for https are those for http", async () => {
    const dump = `Acquire "";
Acquire::http "";
acquire::http::Proxy "http://me:pa%20ss@apt.lan:3128/";
Acquire::http::Proxy::direct.lan "DIRECT";
Acquire::http::Proxy::other.lan "http://other-proxy.lan/";
Acquire::http::Proxy-Auto-Detect "/usr/bin/false";
`;
    expect(await found(environment, dump)).to.deep.equal({
      http_proxy: 'http://me:pa%20ss@apt.lan:3128/',
      https_proxy: 'http://me:pa%20ss@apt.lan:3128/',
      no_proxy: 'near.lan,direct.lan',
    });
    expect(await found({}, `${dump}Acquire::https::Proxy "http://secure.lan";\n`)).to.deep.equal({
      http_proxy: 'http://me:pa%20ss@apt.lan:3128/',
      https_proxy: 'http://secure.lan',
      no_proxy: 'direct.lan',
    });
  });

  it('are none where apt goes directly', async () => {
    expect(await found(environment, 'Acquire::http::Proxy "DIRECT";\n')).to.deep.equal({
      no_proxy: 'near.lan',
    });
  });

  it('have secrets in each form in which a program may print them', () => {
    const proxies = new Map([
      ['http_proxy', 'http://me:pa%20ss@apt.lan:3128/'],
      ['https_proxy', 'apt.lan'],
    ]);
    const joined = Buffer.from('me:pa ss').toString('base64');
    expect(proxySecrets(proxies)).to.deep.equal(['pa ss', 'pa%20ss', joined]);
  });
});
