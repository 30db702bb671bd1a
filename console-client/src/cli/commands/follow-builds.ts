import { QmfError } from '@imagefactory/qmf';
import { isTerminal } from '@imagefactory/schema';
import type { Build } from '../../index.js';
import { tellBusChanges } from '../bus.js';
import type { Context } from '../context.js';
import { changeToJson, followBuild, tellEnd } from './follow.js';

/** A build with what tells it from others that are shown beside it: its target or its provider. */
export interface LabelledBuild {
  readonly build: Build;
  readonly label: string;
}

/** Builds with the names of their targets or providers, counted where one comes more than once. */
export function labelled(builds: readonly Build[], names: readonly string[]): readonly LabelledBuild[] {
  return builds.map((build, index) => {
    const name = names[index] ?? build.name;
    const before = names.slice(0, index).filter(other => other === name).length;
    return { build, label: before === 0 ? name : `${name} (${before + 1})` };
  });
}

/** Shows builds until all have ended: one with its progress, several with a line for each status. Gives 1 if any has failed. */
export async function followBuilds(context: Context, builds: readonly LabelledBuild[]): Promise<number> {
  const [only, ...others] = builds;
  if (only !== undefined && others.length === 0) return followBuild(context, only.build);
  const { io, out } = context;
  const { connection } = (await context.bus()).console;
  const untell = tellBusChanges(connection, text => out.note(text));
  try {
    // One that is lost does not end the watching of the others.
    const ends = await Promise.allSettled(builds.map(one => followOne(context, one)));
    for (const end of ends) {
      if (end.status === 'fulfilled') continue;
      const { reason } = end as { readonly reason: unknown };
      if (reason instanceof QmfError && reason.code === 'aborted' && !io.output.failed.aborted) {
        const names = builds.map(({ build }) => build.name).join(', ');
        out.note(`they go on; see one again with: watch ADAPTOR (${names})`);
      }
      throw reason;
    }
    return Math.max(...ends.map(end => (end.status === 'fulfilled' ? end.value : 0)));
  } finally {
    untell();
  }
}

async function followOne(context: Context, { build, label }: LabelledBuild): Promise<number> {
  const { out, signal, followSignal } = context;
  const unlisten = build.onAgentSilent(isSilent =>
    out.note(
      isSilent
        ? `${label}: the agent does not answer, while the bus is there; waiting for it`
        : `${label}: the agent answers again`,
    ),
  );
  try {
    for await (const change of build.changes({ signal: followSignal })) {
      if (out.json) out.object(changeToJson(context, build, change));
      else if (change.kind === 'status' && !isTerminal(change.status)) out.line(`${label} ${change.status}`);
      await out.drained(signal);
    }
  } finally {
    unlisten();
  }
  return tellEnd(context, build, `${label} `);
}
