import type { Connection, EventContext } from 'rhea';
import { cpuTime, residentMemory, serve } from '../process/serve.js';
import { EVENT_KEY, REPLY_KEY, REQUEST_KEY } from './bare-keys.js';
import { clock, type Responder } from './contract.js';
import { connect, type KeySender, openReceiver, openSender } from './rhea-link.js';
import { callReply, eventMessage, queryReply } from './rhea-messages.js';
import { OBJECTS, OBJECTS_PER_MESSAGE } from './sample.js';
import { whenSendable } from './rhea-sending.js';

/** In the agent's place: answers with messages of the same content, and knows nothing of QMF. */
class BareResponder implements Responder {
  #connection: Connection | undefined;
  /** To the one requester there is. */
  #replies: KeySender | undefined;
  #events: KeySender | undefined;

  readonly start = async ({ broker }: { readonly broker: string }): Promise<void> => {
    const connection = await connect(broker);
    this.#connection = connection;
    this.#replies = await openSender(connection, REPLY_KEY);
    await openReceiver(connection, REQUEST_KEY, context => this.#answer(context));
  };

  readonly raise = async ({ count, window }: { readonly count: number; readonly window: number }) => {
    if (this.#connection === undefined) throw new Error('the responder was not started');
    this.#events ??= await openSender(this.#connection, EVENT_KEY);
    const begin = clock();
    await whenSendable(this.#events, count, window, eventMessage);
    return begin;
  };

  readonly memory = residentMemory;

  readonly cpuTime = cpuTime;

  #answer({ message }: EventContext): void {
    const sender = this.#open();
    const key = message?.reply_to?.split('/')[1] ?? '';
    const id = String(message?.correlation_id);
    const properties = message?.application_properties as Readonly<Record<string, unknown>> | undefined;
    if (properties?.['qmf.opcode'] === '_method_request') {
      sender.send(callReply(key, id));
      return;
    }
    for (let first = 0; first < OBJECTS; first += OBJECTS_PER_MESSAGE) {
      const end = Math.min(first + OBJECTS_PER_MESSAGE, OBJECTS);
      sender.send(queryReply(key, id, first, end, end === OBJECTS));
    }
  }

  #open(): KeySender {
    if (this.#replies === undefined) throw new Error('the responder was not started');
    return this.#replies;
  }
}

serve(new BareResponder());
