import { isReady, sandboxRequirements } from '@imagefactory/plugin-api';
import { fakeContext } from '@imagefactory/plugin-api/testing';
import { median } from '../statistics.js';
import type { Comparison, Line, Sizes } from './lines.js';

/** Milliseconds that starting a program in a sandbox may take. */
const most = 300;

/** What the sandbox's own parts are made of, without runtime, user namespace and files. */
const spaces = ['--mount', '--pid', '--fork', '--net', '--ipc', '--uts', '--'];

/** Whether this machine has what sandboxes need; the reason, if not. */
export async function withoutSandbox(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'only root makes the namespaces that are compared';
  const requirements = await sandboxRequirements();
  if (isReady({ requirements })) return undefined;
  return requirements.find(({ state }) => state === 'missing')?.detail ?? 'no sandbox';
}

/** A program that does nothing, in a sandbox of its own and in namespaces of `unshare`, in turns. */
export async function sandboxes({ rounds, sandboxStarts }: Sizes): Promise<readonly Line[]> {
  const reason = await withoutSandbox();
  if (reason !== undefined) {
    console.error(`bench: the case sandbox is left out: ${reason}`);
    return [];
  }
  const context = await fakeContext({ run: 'real' });
  try {
    const sandbox = await context.sandbox.open();
    const inSandbox = () => timed(() => sandbox.tool('true', []));
    const inNamespaces = () => timed(() => context.run('unshare', [...spaces, 'true']));
    await inSandbox();
    await inNamespaces();
    const [ours, bare]: [number[], number[]] = [[], []];
    for (let turn = 0; turn < rounds * sandboxStarts; turn++) {
      ours.push(await inSandbox());
      bare.push(await inNamespaces());
    }
    return [comparison(ours, bare)];
  } finally {
    await context.dispose();
  }
}

function comparison(ours: readonly number[], bare: readonly number[]): Comparison {
  const middle = median(ours);
  return {
    kind: 'comparison',
    case: 'sandbox',
    what: 'a program in a sandbox; bare: in namespaces',
    unit: 'ms',
    qmf: middle,
    bare: median(bare),
    ratio: median(ours.map((time, turn) => time / (bare[turn] ?? Number.NaN))),
    goal: { text: `≤ ${most} ms`, met: middle <= most },
  };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}
