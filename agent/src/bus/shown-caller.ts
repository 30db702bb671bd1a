import { type Caller, shownText } from '@imagefactory/qmf';
import { anonymous } from '@imagefactory/factory/access';

/** Characters of a name that are shown. */
const longest = 120;

/** A name as it may stand in a line of the log: cut, and quoted if it holds anything that could be taken for something else. */
export function shownName(name: string): string {
  if (/^[\w@.:*/-]{1,120}$/.test(name)) return name;
  return shownText(JSON.stringify(name.length > longest ? `${name.slice(0, longest)}…` : name), 6 * longest);
}

/** A caller for the log; a name that the broker does not vouch for is marked. */
export function shownCaller({ userId, userIds }: Caller): string {
  if (userId === undefined) return anonymous;
  return userIds.kind === 'vouched' ? shownName(userId) : `${shownName(userId)} (unverified)`;
}
