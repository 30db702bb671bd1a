import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BuildError, type TemplateInstall } from '@imagefactory/plugin-api';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { chooseSources, deb822List, oneLineList } from './choose-sources.js';
import { type HostSource, parseDeb822, parseOneLine, readHostSources } from './host-sources.js';

const url = (text: string): TemplateInstall => ({ type: 'url', url: text });

const ownMirror: HostSource[] = [
  { uri: 'https://packages.vendor.test/apt', suite: 'stable', components: ['main'] },
  { uri: 'http://mirror.lan/debian/', suite: 'bookworm', components: ['main'] },
  { uri: 'http://mirror.lan/debian', suite: 'bookworm-updates', components: ['main'] },
  { uri: 'http://mirror.lan/debian-security', suite: 'bookworm-security', components: ['main'] },
];

describe('parseOneLine', () => {
  it('reads binary sources with their options', () => {
    const text = [
      '# deb http://a/debian bookworm main',
      'deb-src http://b/debian bookworm main',
      'deb [arch=amd64 signed-by=/k.gpg] http://c/debian bookworm main contrib # the near one',
      'deb http://d/flat ./',
    ].join('\n');
    expect(parseOneLine(text)).to.deep.equal([
      { uri: 'http://c/debian', suite: 'bookworm', components: ['main', 'contrib'], signedBy: '/k.gpg' },
      { uri: 'http://d/flat', suite: './', components: [] },
    ]);
  });
});

describe('parseDeb822', () => {
  it('reads stanzas with several suites, comments and folded fields', () => {
    const text = [
      'Types: deb deb-src',
      '# http://snapshot.test/',
      'URIs: http://archive.test/debian',
      'Suites: bookworm',
      ' bookworm-updates',
      'Components: main',
      'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg',
      '',
      'Types: deb',
      'Enabled: no',
      'URIs: http://off/debian',
      'Suites: bookworm',
      'Components: main',
      '',
    ].join('\n');
    const signedBy = '/usr/share/keyrings/debian-archive-keyring.gpg';
    expect(parseDeb822(text)).to.deep.equal([
      { uri: 'http://archive.test/debian', suite: 'bookworm', components: ['main'], signedBy },
      { uri: 'http://archive.test/debian', suite: 'bookworm-updates', components: ['main'], signedBy },
    ]);
  });
});

describe('readHostSources', () => {
  it('reads the main file and the parts, and gives nothing where there is no apt', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'apt-'));
    try {
      await mkdir(join(directory, 'sources.list.d'));
      await writeFile(join(directory, 'sources.list'), 'deb http://a/debian x main\n');
      await writeFile(
        join(directory, 'sources.list.d', 'b.sources'),
        'Types: deb\nURIs: http://b\nSuites: y\n',
      );
      await writeFile(join(directory, 'sources.list.d', 'c.list.save'), 'deb http://c/debian x main\n');
      expect((await readHostSources(directory)).map(({ uri }) => uri)).to.deep.equal([
        'http://a/debian',
        'http://b',
      ]);
      expect(await readHostSources(join(directory, 'none'))).to.deep.equal([]);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

describe('chooseSources', () => {
  const where = (install: string, host: readonly HostSource[] = ownMirror) => {
    const { build, image } = chooseSources('bookworm', url(install), host);
    return [build[0]?.uri, build[2]?.uri, image[0]?.uri, image[2]?.uri];
  };
  const near = ['http://mirror.lan/debian', 'http://mirror.lan/debian-security'];

  it("builds from the template's mirror, and the image goes on using it", () => {
    const mirror = 'http://mirror.corp/debian';
    const expected = [mirror, near[1], mirror, near[1]];
    expect(where(mirror)).to.deep.equal(expected);
    expect(where('http://mirror.corp/debian/dists/bookworm/main/installer-amd64/')).to.deep.equal(expected);
  });

  it("takes this machine's own sources where the template names none", () => {
    for (const placeholder of [
      'http://example.com/debian',
      'http://mirror.example.org/debian/',
      'http://mirror.example/d',
      'none',
      'file:///debian',
    ]) {
      expect(where(placeholder)).to.deep.equal([...near, ...near]);
    }
  });

  it('tells the image of no address that is this machine, or has a password', () => {
    for (const own of [
      'http://127.0.0.1:3142/debian',
      'http://localhost/debian',
      'http://me:pw@mirror.lan/debian',
    ]) {
      const host = [{ uri: own, suite: 'bookworm', components: ['main'] }];
      const { build, image } = chooseSources('bookworm', url('http://example.com/'), host);
      expect(build[0]?.uri).to.equal(own);
      expect(image).to.deep.equal([]);
    }
    expect(chooseSources('bookworm', url('http://127.0.0.1:3142/debian'), ownMirror).image).to.deep.equal([
      { uri: near[1], suite: 'bookworm-security' },
    ]);
  });

  it('does without sources of this machine where the template names a mirror, else refuses', () => {
    const { build, image, reason } = chooseSources('bookworm', url('http://mirror.corp/debian'), []);
    expect(build.map(({ suite }) => suite)).to.deep.equal(['bookworm', 'bookworm-updates']);
    expect(image).to.deep.equal(build);
    expect(reason).to.include('no source of security updates');
    for (const [uri, suite, component] of [
      ['http://archive.test/ubuntu', 'noble', 'main'],
      ['http://archive.test/ubuntu', 'noble-security', 'main'],
      ['https://download.test/linux/debian', 'bookworm', 'stable'],
    ] as const) {
      const foreign = [{ uri, suite, components: [component] }];
      expect(() => chooseSources('bookworm', url('http://example.com/'), foreign))
        .to.throw(BuildError, /names no mirror, and the apt of this machine has no source for Debian/)
        .with.property('code', 'template_invalid');
    }
  });

  it('knows a source of security updates by its suite', () => {
    const host = [
      { uri: 'http://archive.test/debian', suite: 'bookworm', components: ['main'] },
      { uri: 'http://security.test/', suite: 'bookworm-security', components: ['main'] },
    ];
    expect(where('http://example.com/', host)).to.deep.equal([
      ...[
        'http://archive.test/debian',
        'http://security.test',
        'http://archive.test/debian',
        'http://security.test',
      ],
    ]);
  });

  it('takes the suites of the release asked for, whatever this machine runs', () => {
    const { build } = chooseSources('trixie', url('http://example.com/'), ownMirror);
    expect(build.map(({ suite }) => suite)).to.deep.equal(['trixie', 'trixie-updates', 'trixie-security']);
  });

  it('refuses what it cannot use', () => {
    const iso: TemplateInstall = { type: 'iso', iso: 'http://example.com/d.iso' };
    expect(() => chooseSources('bookworm', iso, [])).to.throw(BuildError, /type iso/);
    expect(() => chooseSources('bookworm', url('http://a\\@b.corp/debian'), [])).to.throw(
      /install\/url: expected the URL/,
    );
    expect(() => chooseSources('bookworm', url('http://me:pw@mirror.corp/debian'), [])).to.throw(
      /user or password/,
    );
  });
});

describe('lists of sources', () => {
  it('are written in both forms', () => {
    const sources = [
      { uri: 'http://a/debian', suite: 'x' },
      { uri: 'http://a/debian', suite: 'x-updates' },
      { uri: 'http://s', suite: 'x-security' },
    ];
    expect(oneLineList(sources)).to.equal(
      'deb http://a/debian x main\ndeb http://a/debian x-updates main\ndeb http://s x-security main\n',
    );
    expect(parseDeb822(deb822List(sources)).map(({ uri, suite }) => ({ uri, suite }))).to.deep.equal(sources);
  });
});
