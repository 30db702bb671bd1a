import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { BuildError } from './errors.js';
import type { ToolRunner } from './runner.js';
import { recordingLog } from './testing.js';
import { createToolRunner } from './tool-runner.js';

async function failureOf(work: Promise<unknown>): Promise<BuildError> {
  const outcome = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(outcome instanceof BuildError)) throw new Error(`expected a BuildError, got ${String(outcome)}`);
  return outcome;
}

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 45_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`${what} did not happen within 45 s`);
    await sleep(10);
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Whether the process is running; one that nobody has waited for yet counts as gone. */
async function running(pid: number): Promise<boolean> {
  if (!exists(pid)) return false;
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z');
  return !/\) Z/.test(stat);
}

describe('createToolRunner', () => {
  let scratch: string;
  let controller: AbortController;
  let log: ReturnType<typeof recordingLog>;
  let run: ToolRunner;
  beforeEach(async () => {
    scratch = await realpath(await mkdtemp(join(tmpdir(), 'runner-')));
    controller = new AbortController();
    log = recordingLog();
    run = createToolRunner({ log, scratch, signal: controller.signal, secrets: ['hunter2'], grace: 200 });
  });
  afterEach(() => rm(scratch, { recursive: true, force: true }));

  it('recognises a full disk wherever a tool that fails has said so', async () => {
    const script =
      'echo "x: No space left on device"; i=0; while [ $i -lt 100 ]; do echo $i; i=$((i+1)); done; ';
    const { code } = await failureOf(run('/bin/sh', ['-c', `${script} exit 1`]));
    expect(code).to.equal('no_space');
    await run('/bin/sh', ['-c', script]);
  });

  it('hands arguments over as they are, without a shell', async () => {
    const { stdout, status } = await run('printf', ['%s\\n', '$HOME; `id` "x" *']);
    expect(stdout).to.equal('$HOME; `id` "x" *\n');
    expect(status).to.equal(0);
  });

  it('gives the tool a minimal environment, the scratch directory, and input', async () => {
    const script = 'pwd; env | cut -d= -f1 | sort | tr "\\n" " "; cat';
    const { stdout } = await run('sh', ['-c', script], { env: { EXTRA: '1' }, input: 'text\n' });
    expect(stdout.split('\n')[0]).to.equal(scratch);
    expect(stdout).to.match(/EXTRA HOME LANG( OLDPWD)? PATH PWD( SHLVL)? TMPDIR( _)? text\n$/);
  });

  it('streams output line by line to the log and to onLine', async () => {
    const seen: string[] = [];
    await run('sh', ['-c', 'echo one; echo two >&2'], {
      onLine: (line, stream) => seen.push(`${stream} ${line}`),
    });
    expect(seen.sort()).to.deep.equal(['stderr two', 'stdout one']);
    expect(log.lines).to.include.members(['debug: one', 'debug: two']);
  });

  it('hides secrets in the command line, the output and the error, but not from the tool', async () => {
    const script = 'echo "got $1 $2"; exit 3';
    const error = await failureOf(
      run('sh', ['-c', script, 'sh', 'hunter2', 'other'], { secrets: ['other'] }),
    );
    expect(error.message).to.equal('sh failed with status 3: got *** ***');
    const everything = `${log.lines.join('\n')}${error.message}${String(error.cause)}`;
    expect(everything).not.to.match(/hunter2|other/);
    expect((await run('echo', ['hunter2'])).stdout).to.equal('hunter2\n');
  });

  it('tells apart how tools fail', async () => {
    expect(await failureOf(run('no-such-tool', []))).to.include({
      code: 'tool_missing',
      message: 'no-such-tool is not installed',
    });
    expect(await failureOf(run('sh', ['-c', 'kill -KILL $$'], { label: 'the script' }))).to.include({
      code: 'tool_failed',
      message: 'the script was killed by SIGKILL',
    });
    expect(await failureOf(run('sh', ['-c', 'echo "cp: No space left on device" >&2; exit 1']))).to.include({
      code: 'no_space',
    });
    expect((await failureOf(run('true', [], { cwd: join(scratch, 'nowhere') }))).message).to.contain(
      'does not exist',
    );
    expect((await run('sh', ['-c', 'exit 3'], { okStatus: [0, 3] })).status).to.equal(3);
  });

  it('keeps the last lines of a failed tool as the cause', async () => {
    const error = await failureOf(run('sh', ['-c', 'seq 1 100; exit 1']));
    expect(error.message).to.equal('sh failed with status 1: 100');
    expect((error.cause as Error).message.split('\n')).to.have.length(20);
  });

  it('keeps at most the last mebibyte of output', async () => {
    const { stdout } = await run('sh', ['-c', 'yes 0123456 | head -c 3000000; echo end']);
    expect(stdout).to.have.length(1024 * 1024);
    expect(stdout.endsWith('end\n')).to.equal(true);
  });

  it('ends the whole process group on abort, even what ignores SIGTERM', async () => {
    const pids: number[] = [];
    const script = '(trap "" TERM; sleep 60) & echo $!; trap "" TERM; echo $$; wait';
    const running1 = failureOf(run('sh', ['-c', script], { onLine: line => pids.push(Number(line)) }));
    await until('the start of both processes', () => pids.length === 2);
    controller.abort();
    expect((await running1).code).to.equal('aborted');
    for (const pid of pids) await until(`the end of ${pid}`, async () => !(await running(pid)));
    expect((await failureOf(run('true', []))).code).to.equal('aborted');
    expect((await run('echo', ['tidy'], { evenIfAborted: true })).stdout).to.equal('tidy\n');
  });

  it('ends a tool that takes too long', async () => {
    const error = await failureOf(run('sleep', ['60'], { timeout: 0.05 }));
    expect(error).to.include({ code: 'timeout', message: 'sleep did not finish within 0.05 s' });
  });

  it('ends a tool that falls silent, and no other', async () => {
    const silent = await failureOf(run('sh', ['-c', 'echo x; sleep 60'], { silence: 0.2 }));
    expect(silent).to.include({ code: 'timeout', message: 'sh said nothing for 0.2 s and was ended' });
    await run('sh', ['-c', 'for i in 1 2 3 4 5 6 7 8; do sleep 0.5; printf .; done'], { silence: 3 });
  });

  it('tells each process group while it lives', async () => {
    const told: string[] = [];
    const runner = createToolRunner({
      log,
      scratch,
      signal: controller.signal,
      onGroup: pid => {
        told.push(`${pid} up`);
        return () => told.push(`${pid} gone`);
      },
    });
    const { stdout } = await runner('sh', ['-c', 'echo $$']);
    expect(told).to.deep.equal([`${stdout.trim()} up`, `${stdout.trim()} gone`]);
    await failureOf(runner('no-such-program', []));
    expect(told).to.have.lengthOf(2);
  });

  it('recognises what made a tool fail', async () => {
    const error = await failureOf(
      run('sh', ['-c', 'echo "E: Unable to locate package tre"; echo bye; exit 100'], { fetches: true }),
    );
    expect(error).to.include({
      code: 'package_not_found',
      message: 'sh failed with status 100: no repository has a package named tre',
    });
  });

  it('does not take the words of a tool that fetches nothing for a cause, unless the disk is full', async () => {
    const script =
      'echo "psql: Connection refused"; echo "401 Unauthorized"; echo "no such table" >&2; exit 3';
    expect(await failureOf(run('sh', ['-c', script], { label: 'command "setup"' }))).to.include({
      code: 'tool_failed',
      message: 'command "setup" failed with status 3: no such table',
    });
    const full = 'echo "tar: write error: No space left on device"; echo bye; exit 2';
    expect((await failureOf(run('sh', ['-c', full]))).code).to.equal('no_space');
  });

  it('ends what a tool leaves running in its group, and does not wait for its output', async () => {
    let pid = 0;
    await run('sh', ['-c', 'sleep 60 & echo $!'], { onLine: line => (pid = Number(line)) });
    await until('the end of the child', async () => !(await running(pid)));
  });

  it('ends the tool when the listener throws', async () => {
    const onLine = () => {
      throw new BuildError('internal', 'unexpected line');
    };
    const error = await failureOf(run('sh', ['-c', 'echo x; sleep 60'], { onLine }));
    expect(error.message).to.equal('unexpected line');
  });
});
