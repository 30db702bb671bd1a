import type { Caller } from '@imagefactory/qmf';
import { anonymous } from './access-list.js';

/** Characters of a name that are shown; names come from callers. */
const shownLength = 120;

/** A name as it may stand in a line of the log: cut, and quoted if it holds anything that could be taken for something else. */
export function shownName(name: string): string {
  const cut = name.length > shownLength ? `${name.slice(0, shownLength)}…` : name;
  return /^[\w@.:*/-]+$/.test(cut) ? cut : JSON.stringify(cut);
}

/** A caller for the log; a name that the broker does not vouch for is marked. */
export function shownCaller({ userId, userIds }: Caller): string {
  if (userId === undefined) return anonymous;
  return userIds.kind === 'vouched' ? shownName(userId) : `${shownName(userId)} (unverified)`;
}
