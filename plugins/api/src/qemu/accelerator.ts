import { access, constants, readdir } from 'node:fs/promises';
import { spawnGroup } from '../process-group.js';
import { toolPath, whichTool } from '../which.js';

/** How qemu runs guest code on this machine, and why. */
export interface Accelerator {
  readonly name: 'kvm' | 'tcg';
  /** One line for people: what made the choice. */
  readonly reason: string;
  /** Arguments for `qemu-system-x86_64`. */
  readonly qemuArgs: readonly string[];
}

export interface ProbeOptions {
  /** A Linux kernel (bzImage) to boot; by default the newest readable `/boot/vmlinuz*`. */
  readonly kernel?: string;
  /** Seconds that the kernel has to say who it is; default 10. */
  readonly limit?: number;
}

/** Emulation, which works everywhere. `reason` says why KVM isn't used. */
export function tcg(reason: string): Accelerator {
  return { name: 'tcg', reason, qemuArgs: ['-accel', 'tcg,thread=multi'] };
}

let known: Promise<Accelerator> | undefined;

/**
 * Finds out whether KVM really runs a Linux kernel here, by booting one; the answer is kept for the life of the process.
 *
 * That `/dev/kvm` exists, opens and makes a machine proves nothing: on nested and para-virtualised hosts firmware runs and the
 * kernel then hangs for ever. qemu's own fallback (`accel=kvm:tcg`) doesn't notice that either.
 */
export async function probeKvm(options: ProbeOptions = {}): Promise<Accelerator> {
  if (known !== undefined) return known;
  if (!(await readable('/dev/kvm', constants.R_OK | constants.W_OK))) {
    return tcg('/dev/kvm does not exist or may not be opened');
  }
  const qemu = await whichTool('qemu-system-x86_64');
  if (qemu === undefined) return tcg('qemu-system-x86_64 is not installed, so KVM could not be tried');
  const kernel = options.kernel ?? (await findKernel());
  if (kernel === undefined) return tcg('no readable kernel in /boot to try KVM with');
  known ??= tryKvm(qemu, kernel, options.limit ?? 10);
  return known;
}

async function tryKvm(qemu: string, kernel: string, limit: number): Promise<Accelerator> {
  let text = '';
  const done = new AbortController();
  const append = 'console=ttyS0 panic=-1';
  const args = ['-accel', 'kvm', '-m', '256', '-nographic', '-no-reboot', '-nic', 'none', '-kernel', kernel];
  const group = spawnGroup(qemu, [...args, '-append', append], {
    env: { PATH: toolPath(), LANG: 'C.UTF-8' },
    grace: 500,
    onData: chunk => {
      text = (text + Buffer.from(chunk).toString('latin1')).slice(-65_536);
      if (text.includes('Linux version')) done.abort();
    },
  });
  const timer = setTimeout(() => done.abort(), limit * 1000);
  done.signal.addEventListener('abort', () => group.stop(), { once: true });
  await group.ended;
  clearTimeout(timer);
  return text.includes('Linux version')
    ? { name: 'kvm', reason: `${kernel} booted under KVM`, qemuArgs: ['-accel', 'kvm'] }
    : tcg(`/dev/kvm is there, but ${kernel} did not boot under KVM within ${limit} s`);
}

async function findKernel(): Promise<string | undefined> {
  const names = await readdir('/boot').catch(() => []);
  const kernels = names.filter(name => name.startsWith('vmlinuz')).sort((a, b) => (a < b ? 1 : -1));
  for (const name of kernels) {
    if (await readable(`/boot/${name}`, constants.R_OK)) return `/boot/${name}`;
  }
  return undefined;
}

async function readable(path: string, mode: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  );
}
