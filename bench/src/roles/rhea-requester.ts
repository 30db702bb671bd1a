import type { EventContext, Message } from 'rhea';
import { residentMemory, serve } from '../process/serve.js';
import { median } from '../statistics.js';
import { EVENT_KEYS, REPLY_KEY, REQUEST_KEY } from './bare-keys.js';
import { measureCalls } from './calls.js';
import { clock, type Requester } from './contract.js';
import { connect, type KeySender, openReceiver, openSender } from './rhea-link.js';
import { callRequest, queryRequest } from './rhea-messages.js';

/** In the console's place: sends requests of the same content and matches replies by correlation id, no more. */
class BareRequester implements Requester {
  #sender: KeySender | undefined;
  readonly #pending = new Map<string, (message: Message) => void>();
  #next = 1;
  #events: { readonly expected: number; received: number; readonly done: (at: number) => void } | undefined;
  #lastEvent: Promise<number> = Promise.resolve(Number.NaN);

  readonly start = async ({ broker }: { readonly broker: string }): Promise<void> => {
    const connection = await connect(broker);
    this.#sender = await openSender(connection, REQUEST_KEY);
    await openReceiver(connection, REPLY_KEY, context => this.#reply(context));
    await openReceiver(connection, EVENT_KEYS, () => this.#event());
  };

  readonly calls = ({ count, inFlight }: { readonly count: number; readonly inFlight: number }) =>
    measureCalls(count, inFlight, answered => {
      const id = String(this.#next++);
      this.#pending.set(id, () => {
        this.#pending.delete(id);
        answered();
      });
      this.#open().send(callRequest(id));
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
      this.#pending.set(id, message => {
        objects.push(...listOf(message.body));
        const properties = message.application_properties as Readonly<Record<string, unknown>>;
        if ('partial' in properties) return;
        this.#pending.delete(id);
        resolve(objects);
      });
      this.#open().send(queryRequest(id));
    });
  }

  #reply({ message }: EventContext): void {
    if (message !== undefined) this.#pending.get(String(message.correlation_id))?.(message);
  }

  #event(): void {
    const events = this.#events;
    if (events === undefined) return;
    events.received++;
    if (events.received === events.expected) events.done(clock());
  }

  #open(): KeySender {
    if (this.#sender === undefined) throw new Error('the requester was not started');
    return this.#sender;
  }
}

/** The items of a list, also of one that came as a sequence. */
function listOf(body: unknown): readonly unknown[] {
  if (Array.isArray(body)) return body as unknown[];
  const content: unknown =
    typeof body === 'object' && body !== null && 'content' in body ? body.content : undefined;
  return Array.isArray(content) ? (content as unknown[]) : [];
}

serve(new BareRequester());
