import { BuildError, createUrlRule, type TemplateRepository } from '@imagefactory/plugin-api';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { checkUrls } from './check-urls.js';
import { chooseSources } from '../apt/choose-sources.js';

const host = [
  { uri: 'http://mirror.lan/debian/', suite: 'bookworm', components: ['main'] },
  { uri: 'http://mirror.lan/debian-security', suite: 'bookworm-security', components: ['main'] },
  { uri: 'file:/srv/debian', suite: 'bookworm', components: ['main'] },
];
const urls = createUrlRule({
  resolve: name => Promise.resolve([{ address: name.endsWith('.lan') ? '10.0.0.7' : '9.9.9.9', family: 4 }]),
});

async function check(install: string, repositories: readonly string[] = []): Promise<string> {
  const all = repositories.map(
    (url): TemplateRepository => ({ name: 'r', url, signed: true, persisted: true }),
  );
  try {
    const sources = chooseSources('bookworm', { type: 'url', url: install }, host);
    return (await checkUrls({ urls }, sources, all, host)).join(' ');
  } catch (error) {
    if (error instanceof BuildError && error.code === 'template_invalid') return error.message;
    throw error;
  }
}

describe('the URLs that a build fetches from', () => {
  const configured = 'http://mirror.lan/debian/ http://mirror.lan/debian-security';

  it('may be public, or those of this machine', async () => {
    expect(await check('http://mirror.example/')).to.equal(configured);
    expect(await check('http://mirror.lan/other')).to.equal(configured);
    expect(await check('http://other.corp/debian', ['deb [arch=amd64] http://mirror.lan/x ./'])).to.equal(
      configured,
    );
  });

  for (const install of ['http://other.lan/debian', 'http://0x0a000001/debian', 'http://[fd00::1]/debian']) {
    it(`are refused in <install>: ${install}`, async () =>
      expect(await check(install)).to.match(/^\/template\/os\/install\/url: .* has no public address/));
  }

  for (const url of [
    'http://other.lan/d',
    'deb http://other.lan/d ./',
    'deb [arch=amd64 trusted=yes] http://10.0.0.1/d x main',
    'deb\t[trusted=yes]\thttp://10.1/d\tx main',
    'http://public.corp:80@other.lan/d',
  ]) {
    it(`are refused in <repository>: ${url}`, async () =>
      expect(await check('http://mirror.example/', [url])).to.match(
        /^\/template\/repositories\/repository "r": .* has no public address/,
      ));
  }
});
