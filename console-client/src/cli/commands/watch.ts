import type { Context } from '../context.js';
import { findBuild } from '../lookup/builds.js';
import { followBuild } from './follow.js';

export interface WatchOptions {
  readonly fromBeginning?: boolean;
}

/** Follows a build that somebody started, to its end: its present state or its whole history, then its events. */
export async function watchCommand(
  context: Context,
  adaptor: string,
  { fromBeginning = false }: WatchOptions,
): Promise<number> {
  const build = await findBuild(context, adaptor);
  try {
    return await followBuild(context, build, fromBeginning ? 'beginning' : undefined);
  } finally {
    build.close();
  }
}
