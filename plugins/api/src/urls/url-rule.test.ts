import { expect } from 'chai';
import { describe, it } from 'mocha';
import { BuildError } from '../errors.js';
import { templateUrl } from './template-url.js';
import { createUrlRule, type UrlRuleOptions } from './url-rule.js';

const names: Readonly<Record<string, readonly string[]>> = {
  'public.example': ['9.9.9.9', '2606:4700::1'],
  'private.example': ['10.1.2.3', 'fd00::1'],
  'mixed.example': ['10.1.2.3', '9.9.9.9'],
  'mirror.lan': ['192.168.1.1'],
  localhost: ['127.0.0.1', '::1'],
  'rebound.example': ['127.0.0.5'],
};

const rule = (options: UrlRuleOptions = {}) =>
  createUrlRule({
    resolve: name =>
      name in names
        ? Promise.resolve(
            (names[name] ?? []).map(address => ({ address, family: address.includes(':') ? 6 : 4 })),
          )
        : Promise.reject(new Error('unknown')),
    ...options,
  });

async function refusal(url: string, configured: readonly string[] = [], options?: UrlRuleOptions) {
  try {
    await rule(options).check(templateUrl(url, '/template/x'), configured);
    return undefined;
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    expect(error.code).to.equal('template_invalid');
    return error.message;
  }
}

describe('the rule for URLs of templates', () => {
  for (const url of [
    'http://public.example/d',
    'http://mixed.example/d',
    'http://9.9.9.9/d',
    'https://[2606:4700::1]/d',
    'http://unknown.example/d',
  ]) {
    it(`admits ${url}`, async () => expect(await refusal(url)).to.equal(undefined));
  }

  for (const url of [
    'http://private.example/d',
    'http://private.example./d',
    'http://10.1.2.3:8080/d',
    'http://167838211/d',
    'http://0xa.1.2.3/d',
    'http://me:pw@169.254.169.254/d',
    'http://[::ffff:10.0.0.1]/d',
    'http://[fd00::1]/d',
    'http://203.0.113.80/d',
  ]) {
    it(`refuses ${url} unless private addresses are allowed`, async () => {
      const message = await refusal(url);
      expect(message).to.match(/^\/template\/x: "[^"]+" has no public address; .*--allow-private-addresses/);
      expect(message).not.to.contain('pw');
      expect(await refusal(url, [], { allowPrivateAddresses: true })).to.equal(undefined);
    });
  }

  for (const url of [
    'http://127.0.0.1/d',
    'http://localhost/d',
    'http://localhost./d',
    'http://0/d',
    'http://[::1]/d',
    'http://[::ffff:7f00:1]/d',
    'http://rebound.example/d',
  ]) {
    it(`refuses ${url} in any case: a build has a loopback of its own`, async () => {
      for (const allowPrivateAddresses of [false, true])
        expect(await refusal(url, [url], { allowPrivateAddresses })).to.match(
          / is the loopback of this machine/,
        );
    });
  }

  it('admits the servers that the operator has configured, by name, whatever their addresses', async () => {
    expect(await refusal('http://mirror.lan/other', ['https://MIRROR.lan./debian'])).to.equal(undefined);
    expect(await refusal('http://192.168.1.1/d', ['http://mirror.lan/debian'])).to.contain(
      'no public address',
    );
    expect(await refusal('http://mirror.lan.private.example/', ['http://mirror.lan/'])).to.equal(undefined);
    expect(await refusal('http://private.example/', ['http://mirror.lan/private.example'])).to.be.a('string');
  });
});
