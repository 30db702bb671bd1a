/**
 * The system calls that programs of a guest may use; all others fail with EPERM, and unknown later ones with ENOSYS. The set is that of the
 * usual default profiles of container engines without what needs capabilities that a guest never has, and without `ptrace`,
 * `process_vm_readv`, `process_vm_writev`, `keyctl`, `add_key`, `request_key`, `userfaultfd`, `bpf`, `perf_event_open`, `io_uring_*`, `setns`,
 * `unshare` and the mount calls.
 */
const files = `access chdir chmod chown chown32 close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2 fadvise64
  fadvise64_64 fallocate fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock
  fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futimesat getcwd getdents getdents64 getxattr
  inotify_add_watch inotify_init inotify_init1 inotify_rm_watch ioctl lchown lchown32 lgetxattr link linkat listxattr llistxattr _llseek
  lremovexattr lseek lsetxattr lstat lstat64 memfd_create mkdir mkdirat mknod mknodat name_to_handle_at newfstatat open openat openat2 pipe
  pipe2 poll ppoll ppoll_time64 pread64 preadv preadv2 pselect6 pselect6_time64 pwrite64 pwritev pwritev2 read readahead readlink readlinkat
  readv removexattr rename renameat renameat2 rmdir select _newselect sendfile sendfile64 setxattr splice stat stat64 statfs statfs64 statx
  symlink symlinkat sync sync_file_range syncfs tee truncate truncate64 umask unlink unlinkat utime utimensat utimensat_time64 utimes
  vmsplice write writev epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd
  eventfd2 chroot landlock_add_rule landlock_create_ruleset landlock_restrict_self io_cancel io_destroy io_getevents io_pgetevents
  io_pgetevents_time64 io_setup io_submit`;

const processes = `alarm brk capget capset arch_prctl execve execveat exit exit_group fork futex futex_time64 futex_waitv getcpu getegid
  getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getitimer getpgid getpgrp getpid getppid getpriority getrandom
  getresgid getresgid32 getresuid getresuid32 getrlimit get_robust_list getrusage getsid get_thread_area gettid getuid getuid32 ioprio_get
  ioprio_set ipc kill madvise membarrier mincore mlock mlock2 mlockall mmap mmap2 modify_ldt mprotect mremap msgctl msgget msgrcv msgsnd
  msync munlock munlockall munmap nanosleep clock_nanosleep clock_nanosleep_time64 pause pidfd_open pidfd_send_signal pkey_alloc pkey_free
  pkey_mprotect prctl prlimit64 process_mrelease remap_file_pages restart_syscall rseq rt_sigaction rt_sigpending rt_sigprocmask
  rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_getaffinity sched_getattr
  sched_getparam sched_get_priority_max sched_get_priority_min sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64
  sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield seccomp semctl semget semop semtimedop semtimedop_time64
  setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups setgroups32 setitimer setpgid setpriority setregid setregid32 setresgid
  setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit set_robust_list setsid set_thread_area set_tid_address setuid setuid32
  shmat shmctl shmdt shmget sigaltstack signalfd signalfd4 sigprocmask sigreturn sysinfo tgkill time timer_create timer_delete
  timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64
  timerfd_settime timerfd_settime64 times tkill ugetrlimit uname vfork wait4 waitid waitpid clock_getres clock_getres_time64 clock_gettime
  clock_gettime64 gettimeofday mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64
  mq_unlink`;

const sockets = `accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg recvmmsg_time64 recvmsg send
  sendmmsg sendmsg sendto setsockopt shutdown socketpair`;

/** AF_UNIX, AF_INET, AF_INET6, AF_NETLINK: none of the families that reach hardware, hypervisors or little used parts of the kernel. */
const socketFamilies = [1, 2, 10, 16];

/** Every flag of `clone` that makes a namespace. */
const namespaceFlags = 0x7e020000;

/** Personalities: Linux, 32 bit, no address randomisation of either, and the question which it is. */
const personalities = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff];

const architectures: Readonly<Partial<Record<NodeJS.Architecture, readonly string[]>>> = {
  x64: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'],
  arm64: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
  s390x: ['SCMP_ARCH_S390X'],
  ppc64: ['SCMP_ARCH_PPC64LE'],
};

const EPERM = 1;
const ENOSYS = 38;

interface SeccompRule {
  readonly names: readonly string[];
  readonly action: 'SCMP_ACT_ALLOW' | 'SCMP_ACT_ERRNO';
  readonly errnoRet?: number;
  readonly args?: readonly {
    readonly index: number;
    readonly value: number;
    readonly valueTwo?: number;
    readonly op: 'SCMP_CMP_EQ' | 'SCMP_CMP_MASKED_EQ';
  }[];
}

/** `linux.seccomp` of a container's configuration, as in the OCI runtime specification. */
export interface SeccompProfile {
  readonly defaultAction: 'SCMP_ACT_ERRNO';
  readonly defaultErrnoRet: number;
  readonly architectures?: readonly string[];
  readonly syscalls: readonly SeccompRule[];
}

/** The filter of every guest. */
export function seccompProfile(arch: NodeJS.Architecture = process.arch): SeccompProfile {
  const known = architectures[arch];
  const equal = (name: string, value: number): SeccompRule => ({
    names: [name],
    action: 'SCMP_ACT_ALLOW',
    args: [{ index: 0, value, op: 'SCMP_CMP_EQ' }],
  });
  // The flags are the second argument on s390x.
  const flags = { index: arch === 's390x' ? 1 : 0, value: namespaceFlags, valueTwo: 0 } as const;
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: EPERM,
    ...(known === undefined ? {} : { architectures: known }),
    syscalls: [
      { names: words(`${files} ${processes} ${sockets}`), action: 'SCMP_ACT_ALLOW' },
      { names: ['clone'], action: 'SCMP_ACT_ALLOW', args: [{ ...flags, op: 'SCMP_CMP_MASKED_EQ' }] },
      // Its flags lie in memory where no filter sees them; the C library goes on with clone.
      { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
      ...socketFamilies.map(family => equal('socket', family)),
      ...personalities.map(value => equal('personality', value)),
    ],
  };
}

function words(text: string): readonly string[] {
  return text.split(/\s+/).filter(word => word !== '');
}
