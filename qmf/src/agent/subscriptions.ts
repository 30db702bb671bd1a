import { randomUUID } from 'node:crypto';
import { dataItemToValue } from '../data/data-item.js';
import { QmfError } from '../errors.js';
import { AgentException, exceptionCodes } from '../message/exception.js';
import type { SubscribeRequest, SubscribeResponse } from '../message/subscribe.js';
import type { Value } from '../value/value.js';
import type { Clock } from './clock.js';
import { type ObjectStore, toItem } from './object-store.js';
import type { Replies, ReplyTarget } from './replies.js';

/** Bounds of what is granted, as the Java agent has them (wire document §3.9). */
const limits = {
  subscriptions: 64,
  durationDefault: 300,
  durationMin: 10,
  durationMax: 3_600,
  intervalDefault: 30_000,
  intervalMin: 1_000,
} as const;

interface Subscription {
  readonly id: string;
  readonly request: SubscribeRequest;
  readonly target: ReplyTarget;
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
  ) {}

  get size(): number {
    return this.#subscriptions.size;
  }

  /**
   * Grants a subscription. The caller answers with the result, then calls {@link publish} for the first time.
   *
   * @throws AgentException when there are too many; QmfError `invalid_query` for a wrong query
   */
  add(request: SubscribeRequest, target: ReplyTarget): SubscribeResponse {
    if (this.#subscriptions.size >= limits.subscriptions) {
      throw new AgentException(
        `Subscription refused: ${limits.subscriptions} are active already; cancel one or let one expire`,
        exceptionCodes.forbidden,
      );
    }
    if (request.query.what !== 'OBJECT') {
      throw new QmfError(
        'invalid_query',
        `Query is Invalid: only OBJECT can be subscribed to, not ${request.query.what}`,
      );
    }
    this.store.select(request.query); // a wrong predicate must be refused now, not at the first publication
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
    const timer = setInterval(() => this.publish(id), interval);
    timer.unref();
    const expiry = this.#expireAfter(id, duration);
    this.#subscriptions.set(id, {
      id,
      request,
      target,
      interval,
      timer,
      expiry,
      publishedUntil: 0n,
      isPublishing: false,
    });
    return { subscriptionId: id, duration, interval };
  }

  /** Sends what changed since the last time. */
  publish(id: string): void {
    const subscription = this.#subscriptions.get(id);
    if (subscription === undefined || subscription.isPublishing) return;
    const since = subscription.publishedUntil;
    subscription.publishedUntil = this.clock.now();
    const { query } = subscription.request;
    const items: Value[] = this.store
      .select(query)
      .filter(object => object.updateTime > since)
      .map(object => dataItemToValue(toItem(object)));
    if (since > 0n) {
      items.push(...this.store.deletedSince(since, query).map(({ item }) => dataItemToValue(item)));
    }
    if (items.length === 0 && since > 0n) return;
    subscription.isPublishing = true;
    void this.replies.list(subscription.target, '_data_indication', '_data', items).finally(() => {
      subscription.isPublishing = false;
    });
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
