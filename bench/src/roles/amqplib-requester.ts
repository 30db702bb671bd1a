import type { ConsumeMessage } from 'amqplib';
import { residentMemory, serve } from '../process/serve.js';
import { median } from '../statistics.js';
import { connect, type Link } from './amqplib-link.js';
import { callRequest, queryRequest, readBody } from './amqplib-messages.js';
import { EVENT_KEYS, REPLY_KEY } from './bare-keys.js';
import { measureCalls } from './calls.js';
import { clock, type Requester } from './contract.js';

/** In the console's place on AMQP 0-9-1: sends requests of the same content and matches replies by correlation id, no more. */
class BareRequester implements Requester {
  #link: Link | undefined;
  readonly #pending = new Map<string, (message: ConsumeMessage) => void>();
  #next = 1;
  #events: { readonly expected: number; received: number; readonly done: (at: number) => void } | undefined;
  #lastEvent: Promise<number> = Promise.resolve(Number.NaN);

  readonly start = async ({ broker }: { readonly broker: string }): Promise<void> => {
    this.#link = await connect(broker);
    await this.#link.listen(REPLY_KEY, message =>
      this.#pending.get(String(message.properties.correlationId))?.(message),
    );
    await this.#link.listen(EVENT_KEYS, message => this.#event(message));
  };

  readonly calls = ({ count, inFlight }: { readonly count: number; readonly inFlight: number }) =>
    measureCalls(count, inFlight, answered => {
      const id = String(this.#next++);
      this.#pending.set(id, ({ content, properties }) => {
        this.#pending.delete(id);
        readBody(content, properties.contentType);
        answered();
      });
      this.#open().publish(callRequest(id));
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

  #query(): Promise<readonly unknown[]> {
    return new Promise(resolve => {
      const id = String(this.#next++);
      const objects: unknown[] = [];
      this.#pending.set(id, ({ content, properties }) => {
        const body = readBody(content, properties.contentType);
        if (Array.isArray(body)) objects.push(...(body as unknown[]));
        if (properties.headers !== undefined && 'partial' in properties.headers) return;
        this.#pending.delete(id);
        resolve(objects);
      });
      this.#open().publish(queryRequest(id));
    });
  }

  #event({ content, properties }: ConsumeMessage): void {
    readBody(content, properties.contentType);
    const events = this.#events;
    if (events === undefined) return;
    events.received++;
    if (events.received === events.expected) events.done(clock());
  }

  #open(): Link {
    if (this.#link === undefined) throw new Error('the requester was not started');
    return this.#link;
  }
}

serve(new BareRequester());
