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

  it('writes the host in the form that was checked', () => {
    expect(file('deb HTTP://0x7f.1:80/d ./').content).to.equal('deb http://127.0.0.1/d ./\n');
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
      'file:/etc x main',
      'deb file:///etc x main',
      'deb copy:/etc x main',
      'deb cdrom:[x]/ x main',
      'deb mirror+http://host/list x main',
      'deb tor+http://host/d x main',
      'deb [trusted=yes] [arch=amd64] http://host/d x main',
      'deb [trusted=yes http://host/d x main',
      'deb [trusted=yes\rx] http://host/d x main',
      'deb http://host/d x main\u2028deb http://evil/ y main',
      'http://host/d\vx',
      'http://host/d http://evil/d',
    ]) {
      expect(() => file(url), url).to.throw(BuildError, '/template/repositories/repository "extra"');
    }
  });
});
