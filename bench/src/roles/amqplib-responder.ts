import type { ConsumeMessage } from 'amqplib';
import { cpuTime, residentMemory, serve } from '../process/serve.js';
import { connect, type Link } from './amqplib-link.js';
import { callReply, eventMessage, queryReply, readBody } from './amqplib-messages.js';
import { EVENT_KEY, REQUEST_KEY } from './bare-keys.js';
import { clock, type Responder } from './contract.js';
import { OBJECTS, OBJECTS_PER_MESSAGE } from './sample.js';
import { sendWindowed } from './windowed.js';

/** In the agent's place on AMQP 0-9-1: answers with messages of the same content, and knows nothing of QMF. */
class BareResponder implements Responder {
  #link: Link | undefined;

  readonly start = async ({ broker }: { readonly broker: string }): Promise<void> => {
    const link = await connect(broker);
    this.#link = link;
    await link.listen(REQUEST_KEY, message => answer(link, message));
  };

  readonly raise = async ({ count, window }: { readonly count: number; readonly window: number }) => {
    const link = this.#link;
    if (link === undefined) throw new Error('the responder was not started');
    const begin = clock();
    await sendWindowed(count, window, accepted => link.publish(eventMessage(EVENT_KEY), accepted));
    return begin;
  };

  readonly memory = residentMemory;

  readonly cpuTime = cpuTime;
}

function answer(link: Link, { properties, content }: ConsumeMessage): void {
  readBody(content, properties.contentType); // as any program would that wants to know what it was asked
  const replyTo: unknown = properties.replyTo;
  const key = typeof replyTo === 'string' ? (replyTo.split('/')[1] ?? '') : '';
  const id = String(properties.correlationId);
  if (properties.headers?.['qmf.opcode'] === '_method_request') {
    link.publish(callReply(key, id));
    return;
  }
  for (let first = 0; first < OBJECTS; first += OBJECTS_PER_MESSAGE) {
    const end = Math.min(first + OBJECTS_PER_MESSAGE, OBJECTS);
    link.publish(queryReply(key, id, first, end, end === OBJECTS));
  }
}

serve(new BareResponder());
