/** Resources of the broker that are bounded in total and by client. */
export const resources = [
  'bytes',
  'partialBytes',
  'queues',
  'exchanges',
  'bindingWords',
  'sessions',
  'links',
] as const;
export type Resource = (typeof resources)[number];

/** Totals of the whole broker. A single client gets at most half of each, and never more than all clients together have left. */
export interface BrokerLimits {
  /** Bytes of messages that wait in queues or that consumers hold, with `messageOverhead` for each; default 256 MiB. */
  readonly bytes: number;
  /** Bytes of messages of which the last frame has not arrived; default 96 MiB. */
  readonly partialBytes: number;
  /** Queues, those of subscriptions included; default 2048. */
  readonly queues: number;
  /** Exchanges that clients make; default 256. */
  readonly exchanges: number;
  /** Words of all binding keys; default 16384. The work of routing a message grows with them. */
  readonly bindingWords: number;
  /** Sessions; default 4096. */
  readonly sessions: number;
  /** Links; default 8192. */
  readonly links: number;
}

export const defaultLimits: BrokerLimits = {
  bytes: 256 << 20,
  partialBytes: 96 << 20,
  queues: 2048,
  exchanges: 256,
  bindingWords: 16_384,
  sessions: 4096,
  links: 8192,
};

/** Bytes that a message in a queue costs beside its own. */
export const messageOverhead = 256;

/** The total of one resource. */
export class Quota {
  used = 0;

  constructor(readonly total: number) {}
}

/**
 * One client's use of a resource. A client may use as much as is still free, so that one alone gets half of the total, n greedy
 * ones an (n+1)th each, and a newcomer always finds something.
 */
export class Share {
  #used = 0;

  constructor(private readonly quota: Quota) {}

  get used(): number {
    return this.#used;
  }

  fits(amount: number): boolean {
    return this.#used + amount <= this.quota.total - this.quota.used - amount;
  }

  /** Takes the amount if it fits. */
  take(amount: number): boolean {
    if (!this.fits(amount)) return false;
    this.add(amount);
    return true;
  }

  /** Takes the amount in any case. */
  add(amount: number): void {
    this.#used += amount;
    this.quota.used += amount;
  }

  give(amount: number): void {
    this.#used -= amount;
    this.quota.used -= amount;
  }
}

export type Quotas = Readonly<Record<Resource, Quota>>;
export type Shares = Readonly<Record<Resource, Share>>;

/** Somebody to whom the use of resources is charged. */
export interface Owner {
  readonly shares: Shares;
}

export function quotasOf(limits: BrokerLimits): Quotas {
  return eachResource(resource => new Quota(limits[resource]));
}

export function sharesOf(quotas: Quotas): Shares {
  return eachResource(resource => new Share(quotas[resource]));
}

export function eachResource<T>(make: (resource: Resource) => T): Readonly<Record<Resource, T>> {
  return {
    bytes: make('bytes'),
    partialBytes: make('partialBytes'),
    queues: make('queues'),
    exchanges: make('exchanges'),
    bindingWords: make('bindingWords'),
    sessions: make('sessions'),
    links: make('links'),
  };
}
