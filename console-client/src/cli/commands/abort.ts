import { type Context, requestOptions } from '../context.js';
import { exitCodes } from '../exit-codes.js';
import { findBuild } from '../lookup/builds.js';

/** Ends a build or push that somebody started. */
export async function abortCommand(context: Context, adaptor: string): Promise<number> {
  const build = await findBuild(context, adaptor);
  try {
    await build.abort(requestOptions(context));
    if (context.out.json) context.out.object({ kind: 'aborted', adaptor: build.name });
    else context.out.line(`aborted ${build.name}`);
    return exitCodes.ok;
  } finally {
    build.close();
  }
}
