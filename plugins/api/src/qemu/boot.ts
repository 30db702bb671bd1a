import { existsSync } from 'node:fs';
import { BuildError } from '../errors.js';
import { type ProcessGroup, spawnGroup } from '../process-group.js';
import { toolPath } from '../which.js';
import { type Accelerator, probeKvm } from './accelerator.js';
import { lastLines, SerialTranscript } from './serial.js';

export interface BootOptions {
  /** Path of the disk image; it is not changed. */
  readonly image: string;
  /** In the words of `qemu-img`: `raw`, `qcow2`. */
  readonly format: string;
  /** Default `bios`. */
  readonly firmware?: 'bios' | 'uefi';
  /** What the guest must write to its serial console. */
  readonly marker: string | RegExp;
  /** What to do on the serial console once the marker has come. */
  readonly login?: {
    /** Without a user the console is expected to give a shell at once. */
    readonly user?: string;
    readonly password?: string;
    /** One line for the guest's shell. */
    readonly command: string;
  };
  /** Seconds for all of it; default 180. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
  /** Default: what {@link probeKvm} finds. */
  readonly accelerator?: Accelerator;
  /** MiB; default 1024. */
  readonly memory?: number;
  /** Gets the console's text as it comes. */
  readonly onText?: (text: string) => void;
}

export interface BootResult {
  readonly accelerator: Accelerator;
  /** Seconds from the start of qemu to the marker. */
  readonly secondsToMarker: number;
  /** Everything that the guest wrote to the serial console. */
  readonly transcript: string;
  /** Output and exit status of `login.command`. */
  readonly command?: { readonly output: string; readonly status: number };
}

/** Combined firmware images, as Debian and Fedora ship them; variables live in memory, so nothing is written. */
const uefiFirmware = ['/usr/share/ovmf/OVMF.fd', '/usr/share/edk2/ovmf/OVMF.fd', '/usr/share/OVMF/OVMF.fd'];

/** How often qemu may crash. */
const attempts = 3;
const crashes: ReadonlySet<string> = new Set(['SIGSEGV', 'SIGABRT', 'SIGBUS', 'SIGILL', 'SIGFPE']);

/**
 * Boots a disk image in `qemu-system-x86_64` and watches its serial console: a test that an image works.
 *
 * Rejects with a {@link BuildError} (`tool_missing`, `timeout`, `aborted`, `tool_failed`) whose cause holds the last lines of
 * the console. qemu never outlives the call. Its exit status says nothing about the guest, hence the marker. Nor does a crash of qemu itself,
 * whose emulation of two processors has one now and then on a busy machine (seen with 7.2): then the image is booted again.
 */
export async function bootImage(options: BootOptions): Promise<BootResult> {
  for (let attempt = 1; ; attempt++) {
    const crash: { signal?: string } = {};
    try {
      return await bootOnce(options, signal => {
        crash.signal = signal;
      });
    } catch (error) {
      if (crash.signal === undefined || attempt === attempts) throw error;
    }
  }
}

async function bootOnce(options: BootOptions, onCrash: (signal: string) => void): Promise<BootResult> {
  const { signal, timeout = 180 } = options;
  if (signal?.aborted === true) throw new BuildError('aborted', 'the boot test was aborted');
  const accelerator = options.accelerator ?? (await probeKvm());
  const serial = new SerialTranscript();
  const started = performance.now();
  const group = spawnGroup('qemu-system-x86_64', qemuArgs(options, accelerator), {
    env: { PATH: toolPath(), LANG: 'C.UTF-8' },
    input: 'open',
    grace: 1000,
    onData: (chunk, stream) => {
      if (stream === 'stdout') options.onText?.(Buffer.from(chunk).toString('utf8'));
      serial.append(chunk);
    },
  });
  const onAbort = () => serial.close(new BuildError('aborted', 'the boot test was aborted'));
  signal?.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(() => {
    serial.close(
      new BuildError('timeout', `the image did not do what was expected within ${timeout} s of its boot`),
    );
  }, timeout * 1000);
  void serial.waitFor(/Kernel panic - not syncing.*/).then(
    () => serial.close(new BuildError('tool_failed', "the image's kernel panicked")),
    () => undefined,
  );
  const watch = group.ended.then(end => {
    if (end.kind === 'not-started') {
      serial.close(new BuildError('tool_missing', 'qemu-system-x86_64 is not installed'));
      return;
    }
    if (end.kind === 'killed' && crashes.has(end.signal)) onCrash(end.signal);
    const how = end.kind === 'killed' ? ` with ${end.signal}` : '';
    serial.close(
      new BuildError('tool_failed', `qemu ended${how} before the image had done what was expected`),
    );
  });
  try {
    const { marker, login } = options;
    await serial.waitFor(typeof marker === 'string' ? new RegExp(escapeRegExp(marker)) : marker);
    const secondsToMarker = (performance.now() - started) / 1000;
    const command = login === undefined ? undefined : await runOnConsole(login, serial, group);
    return {
      accelerator,
      secondsToMarker,
      transcript: serial.text,
      ...(command === undefined ? {} : { command }),
    };
  } catch (error) {
    const failure = BuildError.from(error);
    const cause = new Error(lastLines(serial.text, 20));
    throw new BuildError(failure.code, failure.message, { cause });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
    group.stop();
    await watch;
  }
}

function qemuArgs(options: BootOptions, accelerator: Accelerator): string[] {
  const firmware: string[] = [];
  if (options.firmware === 'uefi') {
    const path = uefiFirmware.find(candidate => existsSync(candidate));
    if (path === undefined)
      throw new BuildError('tool_missing', 'no UEFI firmware for qemu (Debian package ovmf)');
    firmware.push('-machine', 'q35', '-bios', path);
  }
  // A comma in a path separates options for qemu unless it is doubled.
  const file = options.image.replaceAll(',', ',,');
  return [
    ...accelerator.qemuArgs,
    ...firmware,
    ...['-smp', '2', '-m', String(options.memory ?? 1024)],
    ...[
      '-display',
      'none',
      '-monitor',
      'none',
      '-serial',
      'stdio',
      '-no-reboot',
      '-nic',
      'user,model=virtio-net-pci',
    ],
    ...['-drive', `file=${file},format=${options.format},if=virtio`, '-snapshot'],
  ];
}

async function runOnConsole(
  login: NonNullable<BootOptions['login']>,
  serial: SerialTranscript,
  group: ProcessGroup,
): Promise<{ output: string; status: number }> {
  let from = 0;
  const type = (line: string) => {
    from = serial.text.length;
    group.write(`${line}\n`);
  };
  // Has the prompt shown anew: what the guest has written since may stand behind it.
  type('');
  if (login.user !== undefined) {
    await serial.waitFor(/login: ?$/m, from);
    type(login.user);
    if (login.password !== undefined) {
      await serial.waitFor(/password: ?$/im, from);
      type(login.password);
    }
  }
  await serial.waitFor(/[#$] ?$/m, from);
  // The words are taken apart, so that the console's echo of the line isn't mistaken for its result.
  type(`stty -echo; echo 'ima''ge-begin'; ${login.command}; echo "ima""ge-end:$?"`);
  const text = await serial.waitFor(/image-end:\d+/, from);
  const [, output = '', status = '1'] = /image-begin\r?\n([^]*?)image-end:(\d+)$/.exec(text) ?? [];
  return { output: output.replaceAll('\r\n', '\n'), status: Number(status) };
}

function escapeRegExp(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
