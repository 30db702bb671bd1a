import type { EventContext, Sender } from 'rhea';
import { residentMemory, serve } from '../process/serve.js';
import { clock, type Responder } from './contract.js';
import { connect, openReceiver, openSender } from './rhea-link.js';
import { callReply, eventMessage, queryReply, REQUEST_KEY } from './rhea-messages.js';
import { OBJECTS, OBJECTS_PER_MESSAGE } from './sample.js';
import { whenSendable } from './rhea-sending.js';

/** In the agent's place: answers with messages of the same content, and knows nothing of QMF. */
class BareResponder implements Responder {
  #sender: Sender | undefined;

  readonly start = async ({ broker }: { readonly broker: string }): Promise<void> => {
    const connection = await connect(broker);
    this.#sender = await openSender(connection);
    await openReceiver(connection, REQUEST_KEY, context => this.#answer(context));
  };

  readonly raise = async ({ count, window }: { readonly count: number; readonly window: number }) => {
    const begin = clock();
    await whenSendable(this.#open(), count, window, eventMessage);
    return begin;
  };

  readonly memory = residentMemory;

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

  #open(): Sender {
    if (this.#sender === undefined) throw new Error('the responder was not started');
    return this.#sender;
  }
}

serve(new BareResponder());
