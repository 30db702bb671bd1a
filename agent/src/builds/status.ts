import type { BuildErrorCode } from '@imagefactory/plugin-api';
import type { BuildStatus } from '@imagefactory/schema';
import type { StoredImage } from '../images/index.js';

/** Why a build has failed. Without secrets. */
export interface BuildFailure {
  readonly code: BuildErrorCode;
  /** One line: `Failure encountered while: <activity>: <reason>`. */
  readonly info: string;
}

/** The one state of a build, in the words of the QMF API of 2011. */
export type BuildState =
  | { readonly status: 'NEW' }
  | { readonly status: 'INITIALIZING' }
  | { readonly status: 'PENDING' }
  | { readonly status: 'BUILDING' }
  | { readonly status: 'FINISHING' }
  | { readonly status: 'COMPLETED'; readonly image: StoredImage }
  | { readonly status: 'FAILED'; readonly failure: BuildFailure };

// The words are declared once, with the schema that publishes them; the compiler holds the union above to them.
export type { BuildStatus };

/**
 * The legal changes of a build's status; everything else is a bug of ours.
 *
 * A build is `NEW` from the moment it is accepted until its caller has been answered. `INITIALIZING` opens its log. When all
 * slots are taken it waits as `PENDING`, else it goes on at once. `BUILDING` is the work of the OS plugin and then of the cloud
 * plugin. `FINISHING` puts the image into the store; after that it is `COMPLETED`. From every status that isn't an end it may
 * become `FAILED`: by an error, at its timeout, or because the agent stops. `COMPLETED` and `FAILED` are the ends.
 */
export const buildTransitions: Readonly<Record<BuildStatus, readonly BuildStatus[]>> = {
  NEW: ['INITIALIZING', 'FAILED'],
  INITIALIZING: ['PENDING', 'BUILDING', 'FAILED'],
  PENDING: ['BUILDING', 'FAILED'],
  BUILDING: ['FINISHING', 'FAILED'],
  FINISHING: ['COMPLETED', 'FAILED'],
  COMPLETED: [],
  FAILED: [],
};

export function isEnd(status: BuildStatus): boolean {
  return buildTransitions[status].length === 0;
}

export function assertBuildTransition(from: BuildStatus, to: BuildStatus): void {
  if (!buildTransitions[from].includes(to)) throw new Error(`a build cannot go from ${from} to ${to}`);
}
