import { BuildError, type Template } from '@imagefactory/plugin-api';
import { fakeTemplate } from '@imagefactory/plugin-api/testing';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { releaseOf, requireRelease } from './release.js';

function template(name: string, version: string, arch = 'x86_64'): Template {
  return fakeTemplate({ os: { name, version, arch, install: { type: 'url', url: 'http://example.com/' } } });
}

describe('releaseOf', () => {
  it('takes numbers, point releases and code names, without regard to case', () => {
    expect(releaseOf(template('Debian', '12'))?.codename).to.equal('bookworm');
    expect(releaseOf(template('debian', '11.9'))?.codename).to.equal('bullseye');
    expect(releaseOf(template('DEBIAN', 'Trixie'))?.version).to.equal('13');
  });

  it('takes nothing else', () => {
    const others = [template('Fedora', '12'), template('Debian', '120'), template('Debian', '12', 'aarch64')];
    for (const other of [...others, fakeTemplate()]) expect(releaseOf(other)).to.equal(undefined);
  });
});

describe('requireRelease', () => {
  it('names what was asked for and what there is', () => {
    expect(() => requireRelease(template('Debian', '9')))
      .to.throw(
        BuildError,
        'Debian 9 on x86_64; the debian plugin builds Debian 11 (bullseye), 12 (bookworm), 13',
      )
      .with.property('code', 'os_unsupported');
    expect(() => requireRelease(fakeTemplate())).to.throw('no operating system');
  });
});
