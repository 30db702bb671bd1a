import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { jsonLines, type Ran, run, startTestBus, type TestBus } from './bus.test.fixture.js';

const bin = fileURLToPath(new URL('../../bin/imagefactory-console.js', import.meta.url));

interface SpawnOptions {
  readonly stdin?: string;
  /** A file for standard output, instead of a pipe. */
  readonly stdout?: number;
  readonly onStart?: () => void;
  /** Told of everything on standard output so far. */
  readonly onOutput?: (text: string, child: ReturnType<typeof spawn>) => void;
}

/** The real program in a process of its own. */
function start(args: readonly string[], options: SpawnOptions = {}): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [bin, ...args], {
      stdio: ['pipe', options.stdout ?? 'pipe', 'pipe'],
    });
    options.onStart?.();
    const text = { stdout: '', stderr: '' };
    child.stdout?.on('data', (chunk: Buffer) => {
      text.stdout += chunk.toString();
      options.onOutput?.(text.stdout, child);
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      text.stderr += chunk.toString();
    });
    child.stdin?.end(options.stdin ?? '');
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === null) reject(new Error(`ended by ${String(signal)}: ${text.stderr}`));
      else resolve({ code, ...text });
    });
  });
}

describe('the program imagefactory-console', () => {
  let bus: TestBus;
  before(async () => {
    bus = await startTestBus();
  });
  after(() => bus.close());

  it('builds from standard input and follows to the end', async () => {
    const { code, stdout, stderr } = await start(
      ['-b', bus.broker.url, 'build', '-', '--target', 'mock', '--watch', '--json'],
      { stdin: '<template></template>' },
    );
    expect(stderr).to.equal('');
    expect(code).to.equal(0);
    expect(jsonLines(stdout).at(-1)).to.include({
      status: 'COMPLETED',
      finished_image: '/var/lib/image.qcow2',
    });
  });

  it('runs the lines of a pipe', async () => {
    const { code, stdout } = await start(['-b', bus.broker.url, 'repl'], {
      stdin: 'query Widget --columns serial\nbogus\nagents --wait 0.1\n',
    });
    expect(code).to.equal(2);
    expect(stdout).to.include('widget-right  2').and.to.include('redhat.com:imagefactory:one');
  });

  it('ends with 130 when it is interrupted', async () => {
    const { code, stderr } = await start(
      ['-b', bus.broker.url, 'build', '-', '--target', 'hold', '--watch'],
      {
        stdin: 'x',
        onOutput: (text, child) => {
          if (text.includes('50%')) child.kill('SIGINT');
        },
      },
    );
    bus.release();
    expect(stderr).to.match(/^the build goes on; see it again with: watch build_adaptor-\S+\n$/);
    expect(code).to.equal(130);
  });

  it('ends quietly when nobody reads on', async () => {
    const { code, stderr } = await start(
      ['-b', bus.broker.url, 'build', '-', '--target', 'hold', '--watch'],
      {
        stdin: 'x',
        onOutput: (text, child) => {
          // By then the build is held; it makes another step before it ends, which finds the pipe closed.
          if (!text.includes('50%')) return;
          child.stdout?.destroy();
          bus.release();
        },
      },
    );
    expect(stderr).to.equal('');
    expect(code).to.equal(0);
  });

  it('follows a build to its failure when nobody reads on', async () => {
    const { code, stderr } = await start(
      ['-b', bus.broker.url, 'build', '-', '--target', 'hold', '--watch'],
      {
        stdin: 'FAIL',
        onOutput: (text, child) => {
          // By then the build is held; it makes another step before it ends, which finds the pipe closed.
          if (!text.includes('50%')) return;
          child.stdout?.destroy();
          bus.release();
        },
      },
    );
    expect({ code, stderr }).to.deep.equal({ code: 1, stderr: '' });
  });

  it('ends with 141 when nobody reads what would have no end', async () => {
    let ringing: NodeJS.Timeout | undefined;
    const ring = (): void => void run(['-b', bus.broker.url, 'call', 'widget-left', 'ring']);
    const { code, stderr } = await start(['-b', bus.broker.url, 'events', '--json'], {
      onStart: () => {
        ringing = setInterval(ring, 200);
      },
      onOutput: (_text, child) => child.stdout?.destroy(),
    });
    clearInterval(ringing);
    expect({ code, stderr }).to.deep.equal({ code: 141, stderr: '' });
  });

  for (const args of [['--help'], ['query', 'Widget'], ['build', '-', '--target', 'hold', '--watch']]) {
    it(`ends with 74 and one line when the disk is full: ${args.join(' ')}`, async () => {
      const full = openSync('/dev/full', 'w');
      const { code, stderr } = await start(['-b', bus.broker.url, ...args], { stdin: 'x', stdout: full });
      closeSync(full);
      expect(stderr).to.equal('error: standard output cannot be written: the disk is full (ENOSPC)\n');
      expect(code).to.equal(74);
    });
  }

  it('ends at once when there is no bus', async () => {
    const { code, stderr } = await start(['-b', '127.0.0.1:1', 'repl']);
    expect(code).to.equal(3);
    expect(stderr).to.match(/^error: amqp:\/\/127\.0\.0\.1:1 cannot be reached/);
  });
});
