import { BuildError } from '@imagefactory/plugin-api';
import { errorLine, textOf } from '../log/index.js';
import type { BuildFailure } from './status.js';
import { Abandoned } from './supervise.js';

/** Characters of a reason that go into events; the rest is in the log. */
const reasonLimit = 500;

/** Anything that a plugin may throw, as a BuildError. */
export function toBuildError(error: unknown): BuildError {
  return BuildError.from(error instanceof Error ? error : textOf(error));
}

/** The error of a build whose signal has fired: that reason, with what the plugin made of it as the cause. */
export function interrupted(reason: unknown, error: unknown): BuildError {
  const why = toBuildError(reason);
  const message = error instanceof Abandoned ? `${why.message}; ${error.message}` : why.message;
  return new BuildError(why.code, message, { cause: why.cause ?? error });
}

/** What the world is told of a failed build. */
export function failureOf(error: BuildError, activity: string, mask: (text: string) => string): BuildFailure {
  const reason = errorLine(error);
  const shown = mask(`Failure encountered while: ${oneLine(activity)}: ${reason}`);
  return {
    code: error.code,
    info: shown.length > reasonLimit ? `${shown.slice(0, reasonLimit - 1)}…` : shown,
  };
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
