import { BuildError } from '@imagefactory/plugin-api';
import { type FakeContext, fakeContext, fakeRunner, fakeTemplate } from '@imagefactory/plugin-api/testing';
import { expect } from 'chai';
import { afterEach, describe, it } from 'mocha';
import { checkTemplate, customise } from './customise.js';
import { releaseOf } from './release.js';
import { debianOs } from './plugin.js';

const full = fakeTemplate({
  name: 'web',
  os: {
    name: 'Debian',
    version: '12',
    arch: 'x86_64',
    install: { type: 'url', url: 'http://example.com/' },
    rootPassword: 's3cret',
  },
  packages: [{ name: 'tree' }, { name: 'g++' }],
  repositories: [{ name: 'extra', url: 'http://host/debian', signed: true, persisted: false }],
  files: [{ path: '/etc/motd', content: Buffer.from('hello') }],
  precommands: [{ name: 'key', script: 'fetch-key' }],
  commands: [
    { name: 'one', script: 'first' },
    { name: 'two', script: 'second' },
  ],
});
const release = releaseOf(full)!;
const sourcesOfHost = [{ uri: 'http://mirror.test/debian', suite: 'bookworm', components: ['main'] }];
const sources = { build: [], image: [], reason: '' };

describe('customise', () => {
  let context: FakeContext;
  let run: ReturnType<typeof fakeRunner>;
  const start = async (answer?: Parameters<typeof fakeRunner>[0], recommends = true) => {
    run = fakeRunner(answer);
    context = await fakeContext({ run });
    const sandbox = await context.sandbox.open();
    const options = { tree: '/tree', template: full, release, sources, network: 'none', recommends } as const;
    return customise(sandbox, options, context.progress);
  };
  afterEach(() => context.dispose());

  it('follows the order of Oz', async () => {
    await start();
    expect(run.runs.map(({ options }) => options.label)).to.deep.equal([
      'preparing the minimal system',
      'writing files into the image',
      'fetching the package lists',
      'precommand "key"',
      'fetching the package lists',
      'installing packages',
      'writing files into the image',
      'command "one"',
      'command "two"',
      'setting the root password',
      'cleaning up the image',
    ]);
    expect(run.runs[5]?.args.slice(-4)).to.deep.equal(['install', '--', 'tree', 'g++']);
    expect(context.progress.fractions.at(-1)).to.be.closeTo(1, 0.01);
  });

  for (const recommends of [true, false]) {
    it(`${recommends ? 'takes' : 'leaves out'} what packages recommend`, async () => {
      await start(undefined, recommends);
      const install = run.runs.find(({ options }) => options.label === 'installing packages');
      expect(install?.args.includes('--no-install-recommends')).to.equal(!recommends);
    });
  }

  it('hands the root password over on standard input only', async () => {
    await start();
    const [password] = run.runs.filter(({ options }) => options.input !== undefined);
    expect(password?.options).to.include({ input: 'root:s3cret\n' });
    expect(password?.options.secrets).to.deep.equal(['s3cret']);
    for (const { args } of run.runs) expect(args.join(' ')).not.to.contain('s3cret');
  });

  it('names a package that does not exist', async () => {
    const outcome = await start(({ options }) => {
      if (options.label !== 'installing packages') return '';
      options.onLine?.('E: Unable to locate package tree', 'stderr');
      throw new BuildError('tool_failed', 'installing packages failed with status 100');
    }).catch((error: unknown) => error);
    expect(outcome).to.include({
      code: 'package_not_found',
      message: '/template/packages: no repository of this template has a package named tree',
    });
  });

  it('gives a network to package managers, and to commands only what the operator says', async () => {
    await start();
    const networks = context.sandbox.runs.map(
      ({ options }) => `${options.label}: ${options.network ?? 'none'}`,
    );
    expect(networks.filter(text => text.endsWith('outbound'))).to.deep.equal([
      'fetching the package lists: outbound',
      'fetching the package lists: outbound',
      'installing packages: outbound',
    ]);
  });

  it('writes no helper of the build into the tree', async () => {
    await start();
    for (const { options } of context.sandbox.runs) {
      for (const { content } of Object.values(options.stage ?? {})) {
        expect(content).not.to.match(/policy-rc\.d|nameserver/);
      }
      if (options.label !== 'writing files into the image' && options.stage?.['script'] !== undefined) {
        expect(options.shadows).to.have.property('/usr/sbin/policy-rc.d');
      }
    }
  });

  it("tells the clean-up which files are the template's, and which repositories are not to stay", async () => {
    await start();
    const script = String(context.sandbox.runs.at(-1)?.options.stage?.['run.sh']?.content);
    expect(script)
      .to.match(/^for path in '\/etc\/motd'; do$/m)
      .and.match(/^drop .*'\/etc\/apt\/sources.list.d\/extra.list'/m);
  });

  it('tolerates missing lists before the precommands, but not after them', async () => {
    await start();
    const updates = run.runs.filter(({ options }) => options.label === 'fetching the package lists');
    expect(updates.map(({ options }) => options.okStatus)).to.deep.equal([[0, 100], [0]]);
  });

  it('ends with the first command that fails', async () => {
    const outcome = await start(({ options }) => {
      if (options.label === 'command "one"')
        throw new BuildError('tool_failed', 'command "one" failed with status 3');
      return '';
    }).catch((error: unknown) => error);
    expect(outcome).to.have.property('message', 'command "one" failed with status 3');
    expect(run.runs.at(-1)?.options.label).to.equal('command "one"');
  });
});

describe('checkTemplate', () => {
  it('takes names as apt knows them', () => {
    const names = ['tree', 'g++', 'libc6:amd64', 'nginx=1.22.1-9', 'vim/bookworm', '0ad', 'g++-12'];
    checkTemplate(fakeTemplate({ packages: names.map(name => ({ name })) }), release);
  });

  it('refuses options, orders and patterns', () => {
    for (const name of ['-o', '--purge', 'vim-', 'a b', '?essential', 'x;y', '']) {
      expect(() => checkTemplate(fakeTemplate({ packages: [{ name }] }), release), name).to.throw(BuildError);
    }
  });

  it('refuses a password of several lines without showing it', () => {
    const template = fakeTemplate({ os: { ...full.os!, rootPassword: 's3cret\nx' } });
    expect(() => checkTemplate(template, release))
      .to.throw(BuildError)
      .with.property('message', '/template/os/rootpw must be one line');
  });
});

describe('debianOs', () => {
  it('refuses another system before it runs anything', async () => {
    const context = await fakeContext();
    const outcome = await debianOs()
      .buildBase(fakeTemplate({ os: { ...full.os!, version: '7' } }), context)
      .catch((error: unknown) => error);
    expect(outcome).to.have.property('code', 'os_unsupported');
    await context.dispose();
  });

  it('names a package of the minimal system whose script fails', async () => {
    const run = fakeRunner(({ options }) => {
      if (options.label !== 'configuring the minimal system') return '';
      for (const line of [
        'Setting up base-files (12.4) ...',
        'no such user',
        'dpkg: error processing package base-files (--install):',
        ' installed base-files package post-installation script subprocess returned error exit status 1',
        'Errors were encountered while processing:',
        ' base-files',
      ])
        options.onLine?.(line, 'stderr');
      throw new BuildError('tool_failed', 'configuring the minimal system failed with status 1: base-files');
    });
    const context = await fakeContext({ run });
    const outcome = await debianOs({ hostSources: () => Promise.resolve(sourcesOfHost) })
      .buildBase(full, context)
      .catch((error: unknown) => error);
    expect(outcome).to.include({
      code: 'tool_failed',
      message:
        'configuring the minimal system failed: package base-files: no such user; installed base-files package post-installation script subprocess returned error exit status 1',
    });
    await context.dispose();
  });

  it('gives its sandbox back after a failure', async () => {
    const run = fakeRunner(({ options }) => {
      if (options.label === 'mmdebstrap') throw new BuildError('aborted', 'the build was aborted');
      return '';
    });
    const context = await fakeContext({ run });
    const outcome = await debianOs({ hostSources: () => Promise.resolve(sourcesOfHost) })
      .buildBase(full, context)
      .catch((error: unknown) => error);
    expect(outcome).to.have.property('code', 'aborted');
    expect(context.sandbox.disposed).to.equal(1);
    await context.dispose();
  });
});
