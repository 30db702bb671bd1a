import { randomUUID } from 'node:crypto';
import { cpuTime, residentMemory } from '../process/serve.js';
import { median } from '../statistics.js';
import { measureCalls } from './calls.js';
import { clock, type Requester } from './contract.js';

/**
 * In the console's place: sends requests and matches replies by correlation id, no more. The ids are random, as those of QMF. `M` is
 * a message as the library under it delivers one.
 */
export abstract class BareRequester<M> implements Requester {
  readonly #pending = new Map<string, (message: M) => void>();
  #events: { readonly expected: number; received: number; readonly done: (at: number) => void } | undefined;
  #lastEvent: Promise<number> = Promise.resolve(Number.NaN);

  abstract readonly start: (argument: { readonly broker: string }) => Promise<void>;
  protected abstract sendCall(correlationId: string): void;
  protected abstract sendQuery(correlationId: string): void;
  /** The body as a program would read it. */
  protected abstract bodyOf(message: M): unknown;
  protected abstract isPartial(message: M): boolean;

  readonly calls = ({ count, inFlight }: { readonly count: number; readonly inFlight: number }) =>
    measureCalls(count, inFlight, answered => {
      const id = randomUUID();
      this.#pending.set(id, message => {
        this.#pending.delete(id);
        this.bodyOf(message);
        answered();
      });
      this.sendCall(id);
    });

  readonly queries = async ({ count }: { readonly count: number }) => {
    const times: number[] = [];
    let objects = 0;
    for (let index = 0; index < count; index++) {
      const begin = performance.now();
      objects = (await this.#query()).length;
      times.push(performance.now() - begin);
    }
    return { milliseconds: median(times), objects };
  };

  readonly expectEvents = ({ count }: { readonly count: number }): Promise<void> => {
    this.#lastEvent = new Promise(resolve => {
      this.#events = { expected: count, received: 0, done: resolve };
    });
    return Promise.resolve();
  };

  readonly eventsReceived = (): Promise<number> => this.#lastEvent;

  readonly memory = residentMemory;

  readonly cpuTime = cpuTime;

  protected reply(correlationId: string, message: M): void {
    this.#pending.get(correlationId)?.(message);
  }

  protected event(message: M): void {
    this.bodyOf(message);
    const events = this.#events;
    if (events === undefined) return;
    events.received++;
    if (events.received === events.expected) events.done(clock());
  }

  #query(): Promise<readonly unknown[]> {
    return new Promise(resolve => {
      const id = randomUUID();
      const objects: unknown[] = [];
      this.#pending.set(id, message => {
        const body = this.bodyOf(message);
        if (Array.isArray(body)) objects.push(...(body as unknown[]));
        if (this.isPartial(message)) return;
        this.#pending.delete(id);
        resolve(objects);
      });
      this.sendQuery(id);
    });
  }
}
