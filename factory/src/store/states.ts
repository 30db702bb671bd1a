/** The kinds of jobs: three that make an image, and deletions. */
export const jobKinds = ['base', 'target', 'provider', 'delete'] as const;
export type JobKind = (typeof jobKinds)[number];

/**
 * The statuses of a job. `new` until the caller has been answered, `preparing` while its log is opened, `queued` for a slot, `running` while a
 * plugin works, `finishing` while the image is stored. `completed` and `failed` are the ends; an aborted job has failed. The words of each
 * protocol are a table at its door.
 */
export const jobStatuses = [
  'new',
  'preparing',
  'queued',
  'running',
  'finishing',
  'completed',
  'failed',
] as const;
export type JobStatus = (typeof jobStatuses)[number];

type Transitions<Status extends string> = Readonly<Record<Status, readonly Status[]>>;

/** Legal changes of a job that makes an image. An import goes from `new` to `completed`. */
export const makingTransitions: Transitions<JobStatus> = {
  new: ['preparing', 'completed', 'failed'],
  preparing: ['queued', 'running', 'failed'],
  queued: ['running', 'failed'],
  running: ['finishing', 'failed'],
  finishing: ['completed', 'failed'],
  completed: [],
  failed: [],
};

/** Legal changes of a job that deletes an image. */
export const deletingTransitions: Transitions<JobStatus> = {
  new: ['preparing', 'failed'],
  preparing: ['queued', 'running', 'failed'],
  queued: ['running', 'failed'],
  running: ['completed', 'failed'],
  finishing: [],
  completed: [],
  failed: [],
};

/** Further changes of a job that a restart of the process interrupted. */
export const resumptions: Readonly<Partial<Record<JobStatus, readonly JobStatus[]>>> = {
  running: ['queued'],
  finishing: ['running'],
};

/** @param resumed whether a restart of the process interrupted the job */
export function isJobTransition(kind: JobKind, from: JobStatus, to: JobStatus, resumed: boolean): boolean {
  const table = kind === 'delete' ? deletingTransitions : makingTransitions;
  return table[from].includes(to) || (resumed && (resumptions[from]?.includes(to) ?? false));
}

export function isEnd(status: JobStatus): status is 'completed' | 'failed' {
  return status === 'completed' || status === 'failed';
}

export const imageKinds = ['base', 'target', 'provider'] as const;
export type ImageKind = (typeof imageKinds)[number];

export const imageStatuses = [
  'new',
  'pending',
  'building',
  'complete',
  'failed',
  'deleting',
  'deleted',
  'delete_failed',
] as const;
export type ImageStatus = (typeof imageStatuses)[number];

/** Legal changes of an image's status: those of Image Factory's second version. */
export const imageTransitions: Transitions<ImageStatus> = {
  new: ['pending', 'building', 'complete', 'failed', 'deleting'],
  pending: ['building', 'failed', 'deleting'],
  building: ['pending', 'complete', 'failed', 'deleting'],
  complete: ['deleting'],
  failed: ['deleting'],
  deleting: ['deleted', 'delete_failed'],
  deleted: [],
  delete_failed: ['deleting'],
};

/** The statuses that lead from one to the other, without the first; empty if none do. */
export function imageWay(from: ImageStatus, to: ImageStatus): readonly ImageStatus[] {
  const ways = new Map<ImageStatus, readonly ImageStatus[]>([[from, []]]);
  for (const [status, way] of ways)
    for (const next of imageTransitions[status]) if (!ways.has(next)) ways.set(next, [...way, next]);
  return ways.get(to) ?? [];
}

/** The rows of a Markdown table of transitions. */
export function transitionRows(table: Readonly<Record<string, readonly string[]>>): string[] {
  return Object.entries(table)
    .filter(([, to]) => to.length > 0)
    .map(([from, to]) => `| \`${from}\` | ${to.map(status => `\`${status}\``).join(', ')} |`);
}
