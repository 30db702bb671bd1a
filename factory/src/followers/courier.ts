import { setTimeout as sleep } from 'node:timers/promises';
import type { RecordedThing } from './changes.js';
import { errorLine, type Logger } from '../platform/log/index.js';
import { type TransferOptions, WarehouseError } from '../warehouse/index.js';
import { objectCount, OutageNews } from './outage-news.js';
import { keyOf, type Waiting, type WaitingList } from './waiting-list.js';

export interface CourierOptions {
  readonly list: WaitingList;
  /** Sends a thing as it is at that moment. @throws what keeps it here */
  readonly send: (thing: RecordedThing, options: TransferOptions) => Promise<'sent' | 'gone'>;
  readonly log: Logger;
  /** Milliseconds before the warehouse is tried again, doubled each time it is away still; default 1 000. */
  readonly pause?: number;
  /** Milliseconds to which that grows, and after which what was refused is sent again; default 300 000. */
  readonly longestPause?: number;
  /** Milliseconds for which somebody waits for a warehouse that was away the last time; default 15 000. */
  readonly patience?: number;
  /** Milliseconds between two lines in the log that the warehouse is away still; default 600 000. */
  readonly reminder?: number;
}

/** What has become of things that somebody waits for. */
export type Delivery =
  | { readonly kind: 'sent' }
  /** They go later. `isTold`: the log has the reason already, once for all that wait for it. */
  | { readonly kind: 'kept'; readonly reason: string; readonly isTold: boolean };

interface Customer {
  readonly keys: ReadonlySet<string>;
  readonly onSent: ((bytes: number) => void) | undefined;
  readonly settle: (delivery: Delivery) => void;
}

/** What a courier does: there is nothing to send, something is being sent, the warehouse was away, some things were refused, or it has stopped. */
type CourierState = 'idle' | 'sending' | 'away' | 'refused' | 'stopped';

/**
 * Sends what waits, one thing after the other in the order of the list, and tries again by itself for as long as it takes. When the warehouse
 * is away, or wants to know who asks, nothing overtakes what could not be sent; a single thing that it refuses is left out until later.
 */
export class Courier {
  readonly #options: CourierOptions;
  readonly #stop = new AbortController();
  readonly #customers = new Set<Customer>();
  /** Why things were refused, by their keys, since the list was last gone through. */
  readonly #refused = new Map<string, string>();
  #state: CourierState = 'idle';
  readonly #news: OutageNews;
  /** Why the warehouse is taken for away; kept until something has been sent. */
  #trouble: string | undefined;
  #pause: number;
  #wake = new AbortController();
  #running: Promise<void> | undefined;

  constructor(options: CourierOptions) {
    this.#options = options;
    this.#pause = options.pause ?? 1_000;
    const { log, reminder, longestPause = 300_000 } = options;
    this.#news = new OutageNews({ log, longestPause, ...(reminder === undefined ? {} : { reminder }) });
  }

  get state(): CourierState {
    return this.#state;
  }

  /** How many things have not been sent. */
  get waiting(): number {
    return this.#options.list.size;
  }

  /** Begins with what waits from earlier runs. */
  start(): void {
    const { list, log } = this.#options;
    if (list.size > 0)
      log.notice(`${objectCount(list.size)} of an earlier run ${wait(list.size)} for the warehouse`);
    this.#running ??= this.#run();
  }

  /**
   * Notes things that are to be sent.
   *
   * @throws what the file system says when that cannot be noted
   */
  mark(things: readonly RecordedThing[]): void {
    this.#options.list.add(things);
    // What was refused may be another thing by now.
    for (const thing of things) this.#refused.delete(keyOf(thing));
    if (this.#state === 'idle' || this.#state === 'refused') this.#wake.abort();
  }

  /** Tries at once to send what waits; resolves when these are sent, or it is clear that they have to wait. Never rejects. */
  async deliver(things: readonly RecordedThing[], options: TransferOptions = {}): Promise<Delivery> {
    const { list, patience = 15_000 } = this.#options;
    const { signal } = options;
    const keys = new Set(things.map(keyOf).filter(key => list.get(key) !== undefined));
    if (keys.size === 0) return { kind: 'sent' };
    for (const key of keys) this.#refused.delete(key);
    const limits = [this.#stop.signal, ...(signal === undefined ? [] : [signal])];
    const trouble = this.#trouble;
    if (trouble !== undefined) limits.push(AbortSignal.timeout(patience));
    const limit = AbortSignal.any(limits);
    let customer: Customer | undefined;
    try {
      return await new Promise<Delivery>(settle => {
        customer = { keys, settle, onSent: options.onSent };
        this.#customers.add(customer);
        const leave = (): void =>
          settle({
            kind: 'kept',
            reason: this.#trouble ?? trouble ?? `it was cut short: ${errorLine(limit.reason)}`,
            isTold: (this.#trouble ?? trouble) !== undefined,
          });
        if (limit.aborted) leave();
        else limit.addEventListener('abort', leave, { once: true });
        if (this.#state !== 'sending') this.#wake.abort();
      });
    } finally {
      if (customer !== undefined) this.#customers.delete(customer);
    }
  }

  /** Ends what is being sent, and keeps what waits for the next start. */
  async stop(): Promise<void> {
    const { list, log } = this.#options;
    this.#stop.abort(new Error('the agent stops'));
    this.#wake.abort();
    await this.#running;
    this.#state = 'stopped';
    if (list.size > 0) {
      log.notice(
        `${objectCount(list.size)} ${wait(list.size)} for the warehouse; the next start with it sends ${them(list.size)}`,
      );
    }
    list.close();
  }

  async #run(): Promise<void> {
    const { list, longestPause = 300_000 } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const next = list.first(new Set(this.#refused.keys()));
      if (next !== undefined) {
        this.#state = 'sending';
        if (await this.#sendOne(next)) continue;
        this.#state = 'away';
        await this.#rest(this.#pause * (0.5 + Math.random() / 2));
        this.#pause = Math.min(longestPause, this.#pause * 2);
      } else if (list.size > 0) {
        this.#state = 'refused';
        await this.#rest(longestPause, () => this.#refused.clear());
      } else {
        this.#state = 'idle';
        await this.#rest(undefined);
      }
    }
  }

  /** @returns whether the warehouse is there */
  async #sendOne(thing: Waiting): Promise<boolean> {
    const { list, send, log } = this.#options;
    const { signal } = this.#stop;
    const key = keyOf(thing);
    try {
      const outcome = await send(thing, { signal, onSent: bytes => this.#tellSent(key, bytes) });
      list.remove(thing);
      if (outcome === 'gone')
        log.debug(`${named(thing)} is not sent to the warehouse: it is not here, or not ours`);
    } catch (error) {
      if (signal.aborted) return false;
      if (isOutage(error)) {
        this.#tellOutage(error);
        return false;
      }
      // Marked again meanwhile: then that one is tried as well.
      if (list.get(key)?.seq === thing.seq) {
        this.#refused.set(key, errorLine(error));
        log.warn(
          `${named(thing)} could not be stored in the warehouse: ${errorLine(error)}; it is tried again later`,
        );
      }
      this.#settle();
      return true;
    }
    this.#tellBack();
    this.#settle();
    return true;
  }

  #tellOutage(error: WarehouseError): void {
    this.#news.away(error, this.waiting);
    this.#trouble = error.message;
    for (const { settle } of this.#customers) settle({ kind: 'kept', reason: error.message, isTold: true });
  }

  #tellBack(): void {
    this.#news.back(this.waiting);
    this.#trouble = undefined;
    this.#pause = this.#options.pause ?? 1_000;
  }

  /** Tells those for whom nothing is left to be tried. */
  #settle(): void {
    const { list } = this.#options;
    for (const { keys, settle } of this.#customers) {
      const left = [...keys].filter(key => list.get(key) !== undefined);
      const [reason] = left.flatMap(key => this.#refused.get(key) ?? []);
      if (reason === undefined) {
        if (left.length === 0) settle({ kind: 'sent' });
      } else if (left.every(key => this.#refused.has(key))) settle({ kind: 'kept', reason, isTold: true });
    }
  }

  #tellSent(key: string, bytes: number): void {
    for (const { keys, onSent } of this.#customers) if (keys.has(key)) onSent?.(bytes);
  }

  /** @param onEnd called unless somebody has woken it meanwhile; without a time it rests until then */
  async #rest(milliseconds: number | undefined, onEnd: () => void = () => undefined): Promise<void> {
    if (this.#wake.signal.aborted) {
      this.#wake = new AbortController();
      return;
    }
    const { signal } = this.#wake;
    if (milliseconds === undefined)
      await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve()));
    else await sleep(milliseconds, undefined, { signal, ref: false }).then(onEnd, () => undefined);
    if (signal.aborted) this.#wake = new AbortController();
  }
}

/** Whether nothing else can be sent either. */
function isOutage(error: unknown): error is WarehouseError {
  return error instanceof WarehouseError && (error.retryable || error.code === 'not_authorised');
}

function named({ kind, id }: RecordedThing): string {
  return `${kind.replace('_', ' ')} ${id}`;
}

function wait(count: number): string {
  return count === 1 ? 'waits' : 'wait';
}

function them(count: number): string {
  return count === 1 ? 'it' : 'them';
}
