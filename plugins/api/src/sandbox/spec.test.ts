import { expect } from 'chai';
import { describe, it } from 'mocha';
import { defaultLimits } from './limits.js';
import { type ContainerOptions, containerConfig, hostnameOf } from './spec.js';

const options: ContainerOptions = {
  ...{
    root: '/place/root',
    ids: { uid: 600_000, gid: 700_000 },
    hostname: 'web',
    args: ['/bin/true'],
    cwd: '/',
  },
  ...{ env: { A: 'b=c' }, mounts: [], temporary: false, limits: defaultLimits },
};

/** The part of the configuration that is looked at, as plain data. */
function configOf(more: Partial<ContainerOptions> = {}): Record<string, Record<string, unknown>> {
  return JSON.parse(JSON.stringify(containerConfig({ ...options, ...more }))) as Record<
    string,
    Record<string, unknown>
  >;
}

describe('containerConfig', () => {
  it('gives no capability by which a guest reaches the machine', () => {
    const text = JSON.stringify(configOf()['process']?.['capabilities']);
    for (const name of [
      'SYS_ADMIN',
      'SYS_PTRACE',
      'SYS_MODULE',
      'SYS_RAWIO',
      'NET_ADMIN',
      'NET_RAW',
      'MKNOD',
      'DAC_READ_SEARCH',
      'BPF',
      'SYS_RESOURCE',
    ]) {
      expect(text).not.to.contain(name);
    }
    expect(text).to.contain('CAP_CHOWN').and.not.to.contain('ambient');
    expect(configOf()['process']).to.include({ noNewPrivileges: true, terminal: false });
  });

  it('makes a namespace of every kind, whoever the agent is', () => {
    const { linux } = configOf();
    expect(linux?.['namespaces']).to.deep.equal(
      ['user', 'pid', 'ipc', 'uts', 'mount', 'network', 'cgroup'].map(type => ({ type })),
    );
    expect(linux?.['uidMappings']).to.deep.equal([{ containerID: 0, hostID: 600_000, size: 65_536 }]);
    expect(linux?.['gidMappings']).to.deep.equal([{ containerID: 0, hostID: 700_000, size: 65_536 }]);
    expect(linux?.['readonlyPaths']).to.include('/proc/sys');
    expect(linux?.['seccomp']).to.have.property('defaultAction', 'SCMP_ACT_ERRNO');
  });

  it('shows files of the builder without setuid and devices, read-only unless said otherwise', () => {
    const mounts = [{ source: '/s', target: '/t', writable: false }];
    expect(JSON.stringify(configOf({ mounts })['mounts'])).to.contain(
      '{"destination":"/t","type":"none","source":"/s","options":["bind","nosuid","nodev","ro","private"]}',
    );
  });

  it('limits all processes together by a control group, else each by itself', () => {
    const limited = configOf({ cgroup: '/imagefactory/x' });
    expect(limited['linux']?.['resources']).to.deep.include({ pids: { limit: defaultLimits.processes } });
    expect(JSON.stringify(limited['process']?.['rlimits'])).not.to.contain('RLIMIT_DATA');
    expect(JSON.stringify(configOf()['process']?.['rlimits']))
      .to.contain('RLIMIT_DATA')
      .and.to.contain('RLIMIT_NPROC');
  });
});

describe('hostnameOf', () => {
  for (const [name, host] of [
    ['Web Server 12', 'web-server-12'],
    ['Ünïcode', 'unicode'],
    ['-- a_b --', 'a-b'],
    ['../../etc/passwd', 'etc-passwd'],
    ['', 'image'],
    ['日本', 'image'],
  ] as const) {
    it(`makes ${JSON.stringify(host)} of ${JSON.stringify(name)}`, () =>
      expect(hostnameOf(name)).to.equal(host));
  }

  it('is short enough for the kernel', () => expect(hostnameOf('x'.repeat(500))).to.have.length(63));
});
