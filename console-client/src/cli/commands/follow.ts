import { QmfError } from '@imagefactory/qmf';
import { isTerminal } from '@imagefactory/schema';
import { NO_IMAGE_INFO } from '../../tracking/build-state.js';
import type { Build, BuildChange } from '../../index.js';
import { tellBusChanges } from '../bus.js';
import { type Context, requestOptions } from '../context.js';
import { CliError, notFoundError } from '../errors.js';
import { exitCodes } from '../exit-codes.js';
import type { Part } from '../../terminal/output.js';
import { type Progress, progressView } from '../../terminal/progress.js';

/**
 * Shows a build until it ends. Gives the exit code: a failed build is a failure.
 *
 * @param from `beginning`: with all changes that its agent has on record
 */
export async function followBuild(context: Context, build: Build, from?: 'beginning'): Promise<number> {
  const { io, out, signal, followSignal } = context;
  const word = build.isPush ? 'push' : 'build';
  const { connection } = (await context.bus()).console;
  const view = progressView(out, io.now);
  let progress: Progress = { status: build.status, percent: build.percentComplete };
  const show = (next: Progress): void => {
    progress = next;
    // The end has a line of its own, with the result or the reason.
    if (!out.json && !isTerminal(next.status)) view.update(next);
  };
  const tell = (text: string): void => {
    view.end();
    out.note(text);
  };
  const untells = [
    tellBusChanges(connection, tell),
    build.onAgentSilent(isSilent =>
      tell(
        isSilent
          ? 'the agent does not answer, while the bus is there; waiting for it'
          : 'the agent answers again',
      ),
    ),
  ];
  try {
    show(from === undefined ? progress : { status: 'NEW', percent: 0 });
    const options = { signal: followSignal, ...(from === undefined ? {} : { from }) };
    for await (const change of build.changes(options)) {
      if (out.json) out.object(changeToJson(context, build, change));
      else if (change.kind === 'status') show({ ...progress, status: change.status });
      else if (change.kind === 'percent') show({ ...progress, percent: change.percent });
      await out.drained(signal);
    }
  } catch (error) {
    view.end();
    if (error instanceof QmfError && error.code === 'aborted' && !io.output.failed.aborted) {
      out.note(`the ${word} goes on; see it again with: watch ${build.name}`);
    }
    throw error;
  } finally {
    for (const untell of untells) untell();
    view.end();
  }
  return tellEnd(context, build);
}

/**
 * Tells how a build has ended. Gives the exit code.
 *
 * @param label text in front of the line, where several are shown
 * @throws QmfError why the end is not known
 */
export async function tellEnd(context: Context, build: Build, label = ''): Promise<number> {
  const { out, io } = context;
  const { state } = build;
  switch (state.kind) {
    case 'completed': {
      const identifier = build.isPush ? await identifierOf(context, build) : undefined;
      const result = identifier ?? state.finishedImage;
      if (out.json) {
        out.object({
          time: isoNow(io.now),
          kind: 'end',
          adaptor: build.name,
          status: 'COMPLETED',
          finished_image: state.finishedImage,
          ...(identifier === undefined ? {} : { identifier }),
          ...unconfirmed(state.confirmed),
        });
      } else
        out.line(
          label,
          { text: 'COMPLETED', style: 'green' },
          ...mark(state.confirmed),
          ` ${result}`.trimEnd(),
        );
      if (result !== '') return exitCodes.ok;
      // Nothing was made, or nothing that anybody can find.
      if (state.confirmed)
        throw new CliError('no_image', exitCodes.failed, `${label}${NO_IMAGE_INFO}`, LOOK_AT_LOG);
      throw notFoundError(
        `${label}the agent has announced the end and does not answer; what came of it is not known`,
        `when the agent is back: watch ${build.name}`,
      );
    }
    case 'failed':
      if (out.json) {
        out.object({
          time: isoNow(io.now),
          kind: 'end',
          adaptor: build.name,
          status: 'FAILED',
          type: state.type,
          info: state.info,
          ...unconfirmed(state.confirmed),
        });
      } else out.line(label, { text: 'FAILED', style: 'red' }, ...mark(state.confirmed), ` ${state.info}`);
      return exitCodes.failed;
    case 'lost':
      throw state.reason;
    case 'running':
      throw new QmfError('closed', `watching ${build.name} ended before the build did`);
  }
}

const LOOK_AT_LOG = "see what it did with 'log', and whether several agents share a name with 'agents'";

function mark(confirmed: boolean): readonly Part[] {
  return confirmed ? [] : [{ text: ' (unconfirmed)', style: 'yellow' }];
}

/** In JSON only where it is not confirmed. */
function unconfirmed(confirmed: boolean | undefined): { readonly confirmed?: false } {
  return confirmed === false ? { confirmed } : {};
}

/** What a provider calls the image that was pushed, where the agent can tell. */
function identifierOf(context: Context, build: Build): Promise<string | undefined> {
  return build.identifierOnProvider(requestOptions(context)).catch(() => undefined);
}

export function changeToJson(
  { io }: Context,
  build: Build,
  change: BuildChange,
): Readonly<Record<string, unknown>> {
  const { sequence } = change;
  const base = {
    ...{ time: isoNow(io.now), kind: change.kind, adaptor: build.name },
    ...(sequence === undefined ? {} : { sequence }),
  };
  switch (change.kind) {
    case 'status':
      return {
        ...{ ...base, status: change.status, old_status: change.oldStatus, caught_up: change.caughtUp },
        ...unconfirmed(change.confirmed),
      };
    case 'percent':
      return { ...base, percent: change.percent, caught_up: change.caughtUp };
    case 'failure':
      return {
        ...{ ...base, type: change.type, info: change.info, caught_up: change.caughtUp },
        ...unconfirmed(change.confirmed),
      };
  }
}

function isoNow(now: () => number): string {
  return new Date(now()).toISOString();
}
