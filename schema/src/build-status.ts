/** Statuses of a build, in the seed's words and the order of a good run; `PUSHING` stands in for `BUILDING` where an image goes to a provider. */
export const buildStatuses = [
  'NEW',
  'INITIALIZING',
  'PENDING',
  'BUILDING',
  'PUSHING',
  'FINISHING',
  'COMPLETED',
  'FAILED',
] as const;

export type BuildStatus = (typeof buildStatuses)[number];

/** Statuses that a build never leaves. */
export type TerminalStatus = Extract<BuildStatus, 'COMPLETED' | 'FAILED'>;

export function isTerminal(status: string): status is TerminalStatus {
  return status === 'COMPLETED' || status === 'FAILED';
}
