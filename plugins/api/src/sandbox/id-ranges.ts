import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { BuildError } from '../errors.js';

/** Number of user ids, and of group ids, that each running build has for itself. */
export const blockSize = 65_536;

/** Consecutive ids. */
export interface IdRange {
  readonly first: number;
  readonly count: number;
}

/** The ids of one sandbox on this machine: {@link blockSize} user ids and as many group ids. */
export interface IdBlock {
  readonly uid: number;
  readonly gid: number;
}

export interface IdSources {
  /** The operator's own choice, as `--build-ids` has it; only root needs one. */
  readonly ids?: IdRange;
  /** Default: those of this process. */
  readonly user?: { readonly uid: number; readonly name: string };
  /** Directory of `subuid`, `subgid`, `passwd` and `group`; default `/etc`. */
  readonly etc?: string;
}

/**
 * Reads `FIRST:COUNT`.
 *
 * @throws BuildError `not_permitted` if the text names no whole block
 */
export function parseIdRange(text: string): IdRange {
  const [, first, count] = /^(\d{1,10}):(\d{1,10})$/.exec(text) ?? [];
  const range = { first: Number(first), count: Number(count) };
  if (first === undefined || range.first < 1 || range.count < blockSize || end(range) > 2 ** 32 - 2) {
    throw refusal(
      `--build-ids ${text}: expected FIRST:COUNT, such as 524288:1048576, with a COUNT of at least ${blockSize}`,
    );
  }
  return range;
}

/**
 * The blocks of ids that builds of this user may have: from the operator's choice, else from `/etc/subuid` and `/etc/subgid`
 * (subuid(5)).
 *
 * @throws BuildError `not_permitted` if there are none, or the operator's choice belongs to somebody; the message has the remedy
 */
export async function idBlocks(sources: IdSources = {}): Promise<readonly IdBlock[]> {
  const { ids, etc = '/etc' } = sources;
  const user = sources.user ?? currentUser();
  const subuid = await readSubIds(`${etc}/subuid`);
  const subgid = await readSubIds(`${etc}/subgid`);
  const own = (all: readonly SubIds[]) =>
    all.filter(({ owner }) => isOwner(owner, user)).map(({ range }) => range);
  if (ids === undefined) {
    const uids = own(subuid).flatMap(blocksOf);
    const gids = own(subgid).flatMap(blocksOf);
    const blocks = uids.slice(0, gids.length).map((uid, index) => ({ uid, gid: gids[index] ?? 0 }));
    if (blocks.length > 0) return blocks;
    throw refusal(
      `${user.name} has no block of ${blockSize} ids in /etc/subuid and /etc/subgid; ${idRemedy(user)}`,
    );
  }
  const taken = [
    ...(await accountIds(`${etc}/passwd`)),
    ...(await accountIds(`${etc}/group`)),
    ...[...subuid, ...subgid].filter(({ owner }) => !isOwner(owner, user)),
  ].find(({ range }) => overlap(range, ids));
  if (taken !== undefined) {
    throw refusal(
      `--build-ids ${ids.first}:${ids.count} has ids of ${taken.owner} (${taken.range.first}); choose ids that no account uses`,
    );
  }
  const lent = (all: readonly SubIds[]) =>
    own(all).some(range => ids.first >= range.first && end(ids) <= end(range));
  if (user.uid !== 0 && !(lent(subuid) && lent(subgid))) {
    throw refusal(
      `--build-ids ${ids.first}:${ids.count} is not among the ids of ${user.name} in /etc/subuid and /etc/subgid; ${idRemedy(user)}`,
    );
  }
  return blocksOf(ids).map(first => ({ uid: first, gid: first }));
}

/** How a user gets ids. */
export function idRemedy(user = currentUser()): string {
  const add = `usermod --add-subuids 524288-1572863 --add-subgids 524288-1572863 ${user.name}`;
  return user.uid === 0 ? `"${add}", or --build-ids with ids that no account uses` : `"${add}" as root`;
}

export function currentUser(): { readonly uid: number; readonly name: string } {
  const uid = process.getuid?.() ?? -1;
  try {
    return { uid, name: userInfo().username };
  } catch {
    // A uid without an account, as in many containers.
    return { uid, name: String(uid) };
  }
}

interface SubIds {
  readonly owner: string;
  readonly range: IdRange;
}

async function readSubIds(path: string): Promise<readonly SubIds[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return [...text.matchAll(/^([^:\s#]+):(\d+):(\d+)\s*$/gm)].map(([, owner = '', first, count]) => ({
    owner,
    range: { first: Number(first), count: Number(count) },
  }));
}

/** The ids of accounts, each a range of one. `nobody` stands for ids without a mapping and owns nothing. */
async function accountIds(path: string): Promise<readonly SubIds[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return [...text.matchAll(/^([^:\n]+):[^:\n]*:(\d+):/gm)]
    .map(([, owner = '', id]) => ({ owner, range: { first: Number(id), count: 1 } }))
    .filter(({ range }) => range.first !== 65_534);
}

function isOwner(owner: string, user: { readonly uid: number; readonly name: string }): boolean {
  return owner === user.name || owner === String(user.uid);
}

function blocksOf({ first, count }: IdRange): readonly number[] {
  return Array.from({ length: Math.floor(count / blockSize) }, (_, index) => first + index * blockSize);
}

function end({ first, count }: IdRange): number {
  return first + count;
}

function overlap(a: IdRange, b: IdRange): boolean {
  return a.first < end(b) && b.first < end(a);
}

function refusal(message: string): BuildError {
  return new BuildError('not_permitted', message);
}
