import type { DataAddress, ReceivedEvent } from '@imagefactory/qmf';
import { isTerminal } from '@imagefactory/schema';
import type { AddressedChange } from './build-change.js';
import { REASON_MISSED } from './build-state.js';
import { filledIn } from './filled-in.js';
import type { Standing } from './standing.js';

/** How a build stands, with its address. */
export type Snapshot = Pick<Standing, 'status' | 'percent' | 'failure' | 'at'> & {
  readonly address: DataAddress;
};

interface Entry {
  readonly address: DataAddress;
  /** `undefined`: a build that was over before anybody listened. */
  status: string | undefined;
  statusAt: bigint;
  percent: number;
  /** Whether the status was read back rather than told. */
  isFilledIn: boolean;
  isFailureTold: boolean;
  /** Milliseconds of the ledger's clock. */
  heardAt: number;
}

/** More builds than an agent keeps; the oldest that are over are forgotten first. */
const LIMIT = 10_000;

/**
 * What has been told of one agent's builds: it finds out what an answer of the agent adds to that, and which late event adds
 * nothing any more.
 */
export class BuildLedger {
  readonly #builds = new Map<string, Entry>();

  /** @param now milliseconds of a clock that never goes back */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Builds whose end has not been told. */
  get live(): readonly DataAddress[] {
    return [...this.#builds.values()].filter(isLive).map(({ address }) => address);
  }

  /** Whether a live build has not been heard of for so many milliseconds. */
  isSilent(milliseconds: number): boolean {
    const since = this.now() - milliseconds;
    return [...this.#builds.values()].some(entry => isLive(entry) && entry.heardAt <= since);
  }

  has({ objectName }: DataAddress): boolean {
    return this.#builds.has(objectName);
  }

  /** Takes note of a build that nothing needs to be told of yet. */
  note(address: DataAddress, snapshot?: Snapshot): void {
    if (this.#builds.has(address.objectName)) return;
    const entry = this.#entry(address, snapshot?.status);
    entry.statusAt = snapshot?.at ?? 0n;
    entry.percent = snapshot?.percent ?? 0;
  }

  /** Forgets builds that are over and that the agent no longer keeps. */
  keep(addresses: readonly DataAddress[]): void {
    const kept = new Set(addresses.map(({ objectName }) => objectName));
    for (const [name, entry] of this.#builds)
      if (!kept.has(name) && !isLive(entry)) this.#builds.delete(name);
  }

  /** Takes note of an event; false when what was filled in before tells it already, or tells what came after it. */
  heard({ address, change, at }: AddressedChange): boolean {
    const known = this.#builds.get(address.objectName);
    const entry = known ?? this.#entry(address, 'NEW');
    entry.heardAt = this.now();
    switch (change.kind) {
      case 'failure':
        if (entry.isFailureTold) return false;
        entry.isFailureTold = true;
        return true;
      case 'percent':
        if (entry.isFilledIn && (change.percent <= entry.percent || !isLive(entry))) return false;
        entry.percent = Math.max(entry.percent, change.percent);
        return true;
      case 'status':
        if (isTold(entry) || (entry.isFilledIn && change.status === entry.status)) return false;
        if (at !== 0n && at < entry.statusAt) return false;
        Object.assign(entry, { status: change.status, statusAt: at, isFilledIn: false });
        return true;
    }
  }

  /** Events that tell what an answer adds to what was told, in the order in which an agent raises them. */
  read({ address, status, percent, failure, at }: Snapshot): readonly ReceivedEvent[] {
    const known = this.#builds.get(address.objectName);
    const entry = known ?? this.#entry(address, 'NEW');
    entry.heardAt = this.now();
    const isOld = at !== 0n && at < entry.statusAt && !isTerminal(status);
    if (isOld || !isLive(entry)) return [];
    const events: ReceivedEvent[] = [];
    const reached = status === 'COMPLETED' ? 100 : percent;
    if (reached > entry.percent) {
      events.push(filledIn.percent(address, at, reached));
      Object.assign(entry, { percent: reached, isFilledIn: true });
    }
    if (status === entry.status) return events;
    if (status === 'FAILED' && !entry.isFailureTold) {
      entry.isFailureTold = true;
      events.push(filledIn.failure(address, at, failure ?? { type: 'unknown', info: REASON_MISSED }));
    }
    events.push(filledIn.status(address, at, entry.status ?? 'NEW', status));
    Object.assign(entry, { status, statusAt: at, isFilledIn: true });
    return events;
  }

  /** What is to be told of a live build that the agent knows no longer. */
  lost(address: DataAddress): readonly ReceivedEvent[] {
    const entry = this.#builds.get(address.objectName);
    if (entry === undefined || !isLive(entry)) return [];
    this.#builds.delete(address.objectName);
    return [
      filledIn.failure(address, 0n, {
        type: 'unknown',
        info: `${address.agentName} does not know ${address.objectName} any more; how it ended is not known`,
      }),
    ];
  }

  #entry(address: DataAddress, status: string | undefined): Entry {
    const entry = {
      address,
      status,
      statusAt: 0n,
      percent: 0,
      isFilledIn: false,
      isFailureTold: false,
      heardAt: this.now(),
    };
    this.#builds.set(address.objectName, entry);
    if (this.#builds.size > LIMIT) this.#forgetOne();
    return entry;
  }

  #forgetOne(): void {
    const over = [...this.#builds].find(([, entry]) => !isLive(entry));
    for (const name of over === undefined ? this.#builds.keys() : [over[0]]) {
      this.#builds.delete(name);
      return;
    }
  }
}

function isLive({ status }: Entry): boolean {
  return status !== undefined && !isTerminal(status);
}

/** Whether the end has been told: no status comes after it. */
function isTold({ status }: Entry): boolean {
  return status !== undefined && isTerminal(status);
}
