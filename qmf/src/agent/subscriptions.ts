import { randomUUID } from 'node:crypto';
import { dataItemToValue } from '../data/data-item.js';
import { QmfError } from '../errors.js';
import type { SubscribeRequest, SubscribeResponse } from '../message/subscribe.js';
import type { Value } from '../value/value.js';
import type { Clock } from './clock.js';
import type { ObjectStore } from './object-store.js';
import type { Replies, ReplyTarget } from './replies.js';
import {
  publicationMeter,
  queryMeter,
  selecting,
  type Selector,
  selectorOf,
  unhurried,
} from './selection.js';
import type { CallerShares } from './shares.js';

/** Bounds of what is granted, as the Java agent has them (wire document §3.9). */
const limits = {
  durationDefault: 300,
  durationMin: 10,
  durationMax: 3_600,
  intervalDefault: 30_000,
  intervalMin: 1_000,
} as const;

interface Subscription {
  readonly id: string;
  readonly request: SubscribeRequest;
  readonly selector: Selector;
  readonly target: ReplyTarget;
  /** Gives the caller's place among subscribers back. */
  readonly release: () => void;
  readonly interval: number;
  readonly timer: NodeJS.Timeout;
  expiry: NodeJS.Timeout;
  /** Nanoseconds; what changed since is published next. */
  publishedUntil: bigint;
  /** The broker has not taken the last publication yet; what changes meanwhile goes into the next. */
  isPublishing: boolean;
}

/** Publishes objects to subscribers: all at first, then what has changed, nothing when nothing has. */
export class Subscriptions {
  readonly #subscriptions = new Map<string, Subscription>();

  constructor(
    private readonly store: ObjectStore,
    private readonly replies: Replies,
    private readonly clock: Clock,
    private readonly shares: CallerShares,
    private readonly signal: AbortSignal,
  ) {}

  get size(): number {
    return this.#subscriptions.size;
  }

  /**
   * Grants a subscription. The caller answers with the result, then calls {@link publish} for the first time.
   *
   * @throws AgentException with the code `busy` when there are too many; QmfError `invalid_query` for a wrong query
   */
  add(request: SubscribeRequest, target: ReplyTarget): SubscribeResponse {
    if (request.query.what !== 'OBJECT') {
      throw new QmfError(
        'invalid_query',
        `Query is Invalid: only OBJECT can be subscribed to, not ${request.query.what}`,
      );
    }
    const selector = selectorOf(request.query);
    const release = this.shares.subscriptions.take(target.caller, 1);
    const id = randomUUID();
    const duration = clamp(
      request.duration ?? limits.durationDefault,
      limits.durationMin,
      limits.durationMax,
    );
    const interval = clamp(
      request.interval ?? limits.intervalDefault,
      limits.intervalMin,
      limits.durationMax * 1_000,
    );
    const timer = setInterval(() => this.#publishInTurn(id), interval);
    timer.unref();
    const expiry = this.#expireAfter(id, duration);
    this.#subscriptions.set(id, {
      id,
      request,
      selector,
      target,
      release,
      interval,
      timer,
      expiry,
      publishedUntil: 0n,
      isPublishing: false,
    });
    return { subscriptionId: id, duration, interval };
  }

  /** Publishes when it is the subscriber's turn; if that is refused, the next publication has its changes too. */
  #publishInTurn(id: string): void {
    const subscription = this.#subscriptions.get(id);
    if (subscription === undefined || subscription.isPublishing) return;
    this.shares.queries.run(subscription.target.caller, 0, () => this.publish(id)).catch(() => undefined);
  }

  /**
   * Sends what changed since the last time, and everything the first time. A subscription that costs too much is answered with an exception and
   * ends. Resolves when all is on its way; never rejects.
   */
  async publish(id: string): Promise<void> {
    const subscription = this.#subscriptions.get(id);
    if (subscription === undefined || subscription.isPublishing) return;
    subscription.isPublishing = true;
    const since = subscription.publishedUntil;
    try {
      const items = await this.#changes(subscription);
      if (this.#subscriptions.get(id) !== subscription || (items.length === 0 && since > 0n)) {
        subscription.isPublishing = false;
        return;
      }
      // Not awaited: a broker that takes nothing must not keep the turn.
      this.replies
        .list(subscription.target, '_data_indication', '_data', items)
        .catch(() => {
          subscription.publishedUntil = since;
        })
        .finally(() => {
          subscription.isPublishing = false;
        });
    } catch (error) {
      this.cancel(id);
      if (!this.signal.aborted) void this.replies.exception(subscription.target, error);
    }
  }

  #changes(subscription: Subscription): Promise<Value[]> {
    const { selector, publishedUntil: since } = subscription;
    subscription.publishedUntil = this.clock.now();
    const isFirst = since === 0n;
    const items = this.store.snapshot(selector, since);
    if (!isFirst) items.push(...this.store.deletedSince(since, selector));
    const meter = isFirst ? queryMeter() : publicationMeter();
    return unhurried(selecting(selector, items, meter, dataItemToValue), meter, this.signal);
  }

  /** Starts the lifetime again; `undefined` for an unknown id, which gets no answer. */
  refresh(id: string, duration: number | undefined): SubscribeResponse | undefined {
    const subscription = this.#subscriptions.get(id);
    if (subscription === undefined) return undefined;
    const wanted = duration ?? subscription.request.duration ?? limits.durationDefault;
    const granted = clamp(wanted, limits.durationMin, limits.durationMax);
    clearTimeout(subscription.expiry);
    subscription.expiry = this.#expireAfter(id, granted);
    return { subscriptionId: id, duration: granted, interval: subscription.interval };
  }

  cancel(id: string): void {
    const subscription = this.#subscriptions.get(id);
    if (subscription === undefined) return;
    clearInterval(subscription.timer);
    clearTimeout(subscription.expiry);
    subscription.release();
    this.#subscriptions.delete(id);
  }

  cancelAll(): void {
    for (const id of [...this.#subscriptions.keys()]) this.cancel(id);
  }

  #expireAfter(id: string, seconds: number): NodeJS.Timeout {
    const timer = setTimeout(() => this.cancel(id), seconds * 1_000);
    timer.unref();
    return timer;
  }
}

function clamp(value: number, lowest: number, highest: number): number {
  return Math.min(Math.max(value, lowest), highest);
}
