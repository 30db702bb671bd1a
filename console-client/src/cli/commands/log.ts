import type { LogLine } from '../../index.js';
import { positiveInteger } from '../args/settings.js';
import { tellBusChanges } from '../bus.js';
import type { Context } from '../context.js';
import { exitCodes } from '../exit-codes.js';
import { findBuild } from '../lookup/builds.js';
import type { Part } from '../../terminal/output.js';
import type { Style } from '../../terminal/style.js';
import { utcTime } from '../../terminal/time.js';

export interface LogCommandOptions {
  readonly follow?: boolean;
  readonly from?: string;
}

/** Shows the log of a build: what there is of it, or all to its end. */
export async function logCommand(
  context: Context,
  adaptor: string,
  { follow = false, from = '1' }: LogCommandOptions,
): Promise<number> {
  const { out, signal } = context;
  const first = positiveInteger(from, '--from');
  const build = await findBuild(context, adaptor);
  const { connection } = (await context.bus()).console;
  const untell = tellBusChanges(connection, text => out.note(text));
  try {
    for await (const line of build.log({ from: first, follow, signal })) {
      if (out.json) out.object({ kind: 'log', adaptor: build.name, ...line });
      else out.line(...parts(line));
      await out.drained(signal);
    }
    return exitCodes.ok;
  } finally {
    untell();
    build.close();
  }
}

const styles: Readonly<Record<string, Style>> = { debug: 'dim', warn: 'yellow', error: 'red' };

function parts({ time, level, text }: LogLine): Part[] {
  const style = styles[level];
  const shown = time === '' ? '' : `${utcTime(Date.parse(time))} `;
  return [{ text: shown, style: 'dim' }, style === undefined ? text : { text, style }];
}
