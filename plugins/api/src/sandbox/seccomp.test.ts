import { expect } from 'chai';
import { describe, it } from 'mocha';
import { seccompProfile } from './seccomp.js';

describe('seccompProfile', () => {
  const profile = seccompProfile('x64');
  const allowed = new Set(
    profile.syscalls
      .filter(rule => rule.args === undefined && rule.action === 'SCMP_ACT_ALLOW')
      .flatMap(({ names }) => names),
  );

  it('refuses what it does not name', () => {
    expect(profile.defaultAction).to.equal('SCMP_ACT_ERRNO');
    expect(profile.defaultErrnoRet).to.equal(1);
  });

  const dangerous = [
    ...[
      'mount',
      'umount2',
      'move_mount',
      'fsopen',
      'fsmount',
      'open_tree',
      'pivot_root',
      'setns',
      'unshare',
      'clone3',
    ],
    ...[
      'ptrace',
      'process_vm_readv',
      'process_vm_writev',
      'kcmp',
      'pidfd_getfd',
      'keyctl',
      'add_key',
      'request_key',
      'bpf',
    ],
    ...[
      'perf_event_open',
      'userfaultfd',
      'io_uring_setup',
      'init_module',
      'finit_module',
      'kexec_load',
      'reboot',
      'swapon',
    ],
    ...[
      'open_by_handle_at',
      'iopl',
      'ioperm',
      'settimeofday',
      'clock_settime',
      'adjtimex',
      'sethostname',
      'quotactl',
      'syslog',
    ],
    ...[
      'acct',
      'lookup_dcookie',
      'fanotify_init',
      'vhangup',
      'nfsservctl',
      'mount_setattr',
      'memfd_secret',
      'socketcall',
    ],
  ];
  for (const name of dangerous) it(`does not allow ${name}`, () => expect(allowed.has(name)).to.equal(false));

  it('allows what package managers need', () => {
    expect([...allowed]).to.include.members([
      'chroot',
      'fchownat',
      'setresuid',
      'mknodat',
      'setxattr',
      'execve',
      'flock',
      'vfork',
    ]);
  });

  it('lets clone make no namespace of any kind', () => {
    const [clone] = profile.syscalls.filter(({ names }) => names.includes('clone'));
    // CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET of clone(2).
    for (const flag of [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000]) {
      expect((clone?.args?.[0]?.value ?? 0) & flag).to.equal(flag);
    }
    expect(clone?.args?.[0]).to.include({ valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' });
  });

  it('opens sockets of the usual families alone', () => {
    const families = profile.syscalls
      .filter(({ names }) => names.includes('socket'))
      .map(({ args }) => args?.[0]?.value);
    expect(families).to.deep.equal([1, 2, 10, 16]);
  });
});
