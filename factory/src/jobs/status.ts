import type { BuildErrorCode } from '@imagefactory/plugin-api';
import type { StoredImage } from '../images/index.js';

/** Why a build has failed. Without secrets. */
export interface BuildFailure {
  readonly code: BuildErrorCode;
  /** One line: `Failure encountered while: <activity>: <reason>`. */
  readonly info: string;
  /** The last lines of the build's log before the failure. */
  readonly lastLines: readonly string[];
  /** What the build had made and what became of it. */
  readonly cleanup: Cleanup;
}

/** What was undone after a build, each in a few words; the latest first. */
export interface Cleanup {
  readonly removed: readonly string[];
  /** With the reason. */
  readonly left: readonly string[];
}

/** The one state of a build, in the words of the QMF API of 2011. */
export type BuildState =
  | { readonly status: 'NEW' }
  | { readonly status: 'INITIALIZING' }
  | { readonly status: 'PENDING' }
  | { readonly status: 'BUILDING' }
  | { readonly status: 'PUSHING' }
  | { readonly status: 'FINISHING' }
  | { readonly status: 'COMPLETED'; readonly image: FinishedImage }
  | { readonly status: 'FAILED'; readonly failure: BuildFailure };

/** What is told of a finished build's image. */
export interface FinishedImage extends Pick<StoredImage, 'path' | 'size' | 'format' | 'sha256'> {
  /** What the provider calls it, after a push. */
  readonly identifierOnProvider?: string;
  /** Whose account it is in there. */
  readonly account?: string;
}

export type BuildStatus = BuildState['status'];

/**
 * The legal changes of a build's status; everything else is a bug of ours. docs/jobs.md draws the same table.
 *
 * A build is `NEW` from the moment it is accepted until its caller has been answered. `INITIALIZING` opens its log. While the slots of its
 * queue are taken it waits as `PENDING`, else it goes on at once. `BUILDING` is the work of the OS plugin and then of the cloud
 * plugin, `PUSHING` an upload to a provider. `FINISHING` puts the image into the store; after that it is `COMPLETED`. From every status that
 * isn't an end it may become `FAILED`: by an error, at its timeout, when somebody aborts it, or because the agent stops or was killed.
 * `COMPLETED` and `FAILED` are the ends.
 */
export const buildTransitions: Readonly<Record<BuildStatus, readonly BuildStatus[]>> = {
  NEW: ['INITIALIZING', 'FAILED'],
  INITIALIZING: ['PENDING', 'BUILDING', 'PUSHING', 'FAILED'],
  PENDING: ['BUILDING', 'PUSHING', 'FAILED'],
  BUILDING: ['FINISHING', 'FAILED'],
  PUSHING: ['FINISHING', 'FAILED'],
  FINISHING: ['COMPLETED', 'FAILED'],
  COMPLETED: [],
  FAILED: [],
};

/**
 * The changes that there are only after a restart of the agent, for a build that had been at work when it was killed and is begun once more. It
 * stays `BUILDING` where its slot is free at once, as it nearly always is; so consoles hear of nothing.
 */
export const resumptions = {
  BUILDING: ['PENDING'],
  FINISHING: ['BUILDING'],
} as const satisfies Readonly<Partial<Record<BuildStatus, readonly BuildStatus[]>>>;

/** Every change that others may see, after a restart or without: of each status those that it may have. */
export function allTransitions(): Readonly<Record<BuildStatus, readonly BuildStatus[]>> {
  const { BUILDING, FINISHING } = resumptions;
  return {
    ...buildTransitions,
    BUILDING: [...buildTransitions.BUILDING, ...BUILDING],
    FINISHING: [...buildTransitions.FINISHING, ...FINISHING],
  };
}

export function isEnd(status: BuildStatus): boolean {
  return buildTransitions[status].length === 0;
}

/** Whether a build in that status has not been at work yet. */
export function isWaiting(status: BuildStatus): boolean {
  return status === 'NEW' || status === 'INITIALIZING' || status === 'PENDING';
}

export function isBuildStatus(word: unknown): word is BuildStatus {
  return typeof word === 'string' && Object.hasOwn(buildTransitions, word);
}

/** The rows of a Markdown table of the transitions. */
export function transitionRows(): string[] {
  return Object.entries(buildTransitions).map(([from, to]) =>
    row(from, to.length === 0 ? '– (an end)' : words(to)),
  );
}

/** The rows of a Markdown table of the changes after a restart. */
export function resumptionRows(): string[] {
  return Object.entries(resumptions).map(([from, to]) => row(from, words(to)));
}

function row(from: string, to: string): string {
  return `| \`${from}\` | ${to} |`;
}

function words(statuses: readonly BuildStatus[]): string {
  return statuses.map(word => `\`${word}\``).join(', ');
}

/** @param resumed whether the build was begun once more after a restart */
export function assertBuildTransition(from: BuildStatus, to: BuildStatus, resumed = false): void {
  if (!(resumed ? allTransitions() : buildTransitions)[from].includes(to))
    throw new Error(`a build cannot go from ${from} to ${to}`);
}
