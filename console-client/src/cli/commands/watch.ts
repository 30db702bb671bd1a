import type { Context } from '../context.js';
import { findBuild } from '../lookup/builds.js';
import { followBuild } from './follow.js';

/** Follows a build that somebody started: first how it stands, then its events, to its end. */
export async function watchCommand(context: Context, adaptor: string): Promise<number> {
  const build = await findBuild(context, adaptor);
  try {
    return await followBuild(context, build);
  } finally {
    build.close();
  }
}
