import { BuildError } from '@imagefactory/plugin-api';
import { errorLine, textOf } from '../platform/log/index.js';
import type { BuildLogLine } from './build-log.js';
import type { BuildFailure, Cleanup } from './status.js';
import { Abandoned } from './supervise.js';

/** Characters of a reason that go into events; the rest is in the log. */
const reasonLimit = 500;

/** Anything that a plugin may throw, as a BuildError. */
export function toBuildError(error: unknown): BuildError {
  return BuildError.from(error instanceof Error ? error : textOf(error));
}

/** Why a build is stopped when the agent is. */
export class AgentStopped extends BuildError {
  /** @param outlasts whether the next start can go on with the build */
  constructor(readonly outlasts: boolean) {
    super('aborted', 'the agent was stopped');
  }
}

/** The error of a build whose signal has fired: that reason, with what the plugin made of it as the cause. */
export function interrupted(reason: unknown, error: unknown): BuildError {
  const why = toBuildError(reason);
  // Mostly the plugin rejects with the reason itself.
  if (error === reason || error === why) return why;
  const message = error instanceof Abandoned ? `${why.message}; ${error.message}` : why.message;
  return new BuildError(why.code, message, { cause: why.cause ?? error });
}

/** Lines of the log that come with a failure, and characters of each. */
const lineLimit = { count: 20, length: 500 };

/** What a failure is made of. */
export interface FailureParts {
  readonly error: BuildError;
  /** What was being done. */
  readonly activity: string;
  readonly mask: (text: string) => string;
  /** The log so far. */
  readonly recent: readonly BuildLogLine[];
  readonly cleanup: Cleanup;
}

/** What the world is told of a failed build. */
export function failureOf({ error, activity, mask, recent, cleanup }: FailureParts): BuildFailure {
  const shown = mask(`Failure encountered while: ${oneLine(activity)}: ${errorLine(error)}`);
  return {
    code: error.code,
    info: cut(shown, reasonLimit),
    lastLines: recent.slice(-lineLimit.count).map(({ text }) => cut(text, lineLimit.length)),
    cleanup,
  };
}

function cut(text: string, limit: number): string {
  return text.length > limit ? `${text.slice(0, limit - 1)}…` : text;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
