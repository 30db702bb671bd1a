/**
 * Attempts of one command each, as shell text that succeeds if the attempt does, by what they are. They change nothing where they succeed. Numbers of
 * system calls are those of x86-64.
 */
export const simpleAttempts: Readonly<Record<string, string>> = {
  'mount a file system': 'mount -t tmpfs none /mnt',
  'mount control groups, whose release agent is a program of the machine': 'mount -t cgroup2 none /mnt',
  'change a setting of the kernel': rewrite('/proc/sys/vm/swappiness'),
  'choose the program that the kernel runs for a core dump': rewrite('/proc/sys/kernel/core_pattern'),
  'read the log of the kernel': call('103, 3, $b = " " x 999, 999', '> 0'),
  'set the host name of the machine':
    'read -r name </proc/sys/kernel/hostname; export name; ' +
    call('170, $ENV{name}, length $ENV{name}', '== 0'),
  'take precedence over programs of the machine': call('141, 0, 0, -5', '== 0'),
  'reach the keyrings of the kernel': call('250, 0, -3, 1', '!= -1'),
  'make a mount namespace': 'unshare --mount --propagation unchanged true',
  'make a network namespace': 'unshare --net true',
};

/** Writes to a file what is in it. */
function rewrite(path: string): string {
  return `v=$(cat ${path}); echo "$v" >${path}`;
}

/** A system call by perl, with what its result is to be. */
function call(words: string, result: string): string {
  return `perl -e 'exit(syscall(${words}) ${result} ? 0 : 1)'`;
}
