import { allTransitions } from '@imagefactory/factory/jobs';
import { ADAPTOR_PREFIX_2012, type BuildStatus } from '@imagefactory/schema';

/** The status that an adaptor shows for one of its build. */
export interface StatusWords {
  of(status: BuildStatus): BuildStatus;
}

/** Adaptors of 2011 show every status. */
export const words2011: StatusWords = { of: status => status };

/**
 * Adaptors of 2012 show what consoles of 2012 know: a build goes from NEW to BUILDING or PUSHING, after PENDING only if it has to
 * wait, and from there to its end.
 */
export function words2012(working: 'BUILDING' | 'PUSHING'): StatusWords {
  return {
    of: status => (status === 'INITIALIZING' ? 'NEW' : status === 'FINISHING' ? working : status),
  };
}

/** Whether an adaptor's name is one of 2012. */
export function isNameOf2012(name: string): boolean {
  return name.startsWith(ADAPTOR_PREFIX_2012);
}

/** The words of an adaptor with that name. */
export function wordsFor(name: string, job: 'build' | 'push'): StatusWords {
  return isNameOf2012(name) ? words2012(job === 'push' ? 'PUSHING' : 'BUILDING') : words2011;
}

/** The words of each kind of adaptor, and the status that it never has: a push is never BUILDING, and nothing else PUSHING. */
const vocabularies: readonly { readonly words: StatusWords; readonly never?: BuildStatus }[] = [
  { words: words2011 },
  { words: words2012('BUILDING'), never: 'PUSHING' },
  { words: words2012('PUSHING'), never: 'BUILDING' },
];

/** Of each status the changes that an adaptor of either revision may announce, after a restart of the agent or without. */
export function shownTransitions(): Readonly<Record<BuildStatus, readonly BuildStatus[]>> {
  const table = allTransitions();
  const shown: Record<BuildStatus, BuildStatus[]> = {
    ...{ NEW: [], INITIALIZING: [], PENDING: [], BUILDING: [] },
    ...{ PUSHING: [], FINISHING: [], COMPLETED: [], FAILED: [] },
  };
  for (const { words, never } of vocabularies) {
    // The keys of a closed record.
    for (const from of Object.keys(table) as BuildStatus[]) {
      for (const to of table[from]) {
        const [before, after] = [words.of(from), words.of(to)];
        if (from === never || to === never || before === after || shown[before].includes(after)) continue;
        shown[before].push(after);
      }
    }
  }
  return shown;
}
