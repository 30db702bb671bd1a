import { BuildError } from '@imagefactory/plugin-api';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { repositoryFile } from './repositories.js';

describe('repositoryFile', () => {
  const file = (url: string, signed = true, name = 'extra') =>
    repositoryFile({ name, url, signed, persisted: true }, 'bookworm');

  it('takes the URL of an archive', () => {
    expect(file('http://host/debian')).to.deep.equal({
      path: '/etc/apt/sources.list.d/extra.list',
      content: 'deb http://host/debian bookworm main\n',
    });
  });

  it('takes a whole line and keeps its options', () => {
    expect(file('deb [arch=amd64] http://host/flat ./', false).content).to.equal(
      'deb [arch=amd64 trusted=yes] http://host/flat ./\n',
    );
  });

  it('trusts an unsigned one as it is', () => {
    expect(file('http://host/debian', false).content).to.equal(
      'deb [trusted=yes] http://host/debian bookworm main\n',
    );
  });

  it('does not let names or URLs out of their place', () => {
    expect(file('http://host/debian', true, '../../evil').path).to.equal(
      '/etc/apt/sources.list.d/.._.._evil.list',
    );
    for (const url of [
      '',
      'host/debian',
      'deb http://host/d x main\ndeb http://evil/ y main',
      'deb http://host/d',
    ]) {
      expect(() => file(url), url).to.throw(BuildError, '/template/repositories/repository "extra"');
    }
  });
});
