import type { EventContext, Message } from 'rhea';
import { serve } from '../process/serve.js';
import { EVENT_KEYS, REPLY_KEY, REQUEST_KEY } from './bare-keys.js';
import { BareRequester } from './bare-requester.js';
import { connect, type KeySender, openReceiver, openSender } from './rhea-link.js';
import { callRequest, queryRequest } from './rhea-messages.js';

class RheaRequester extends BareRequester<Message> {
  #sender: KeySender | undefined;

  readonly start = async ({ broker }: { readonly broker: string }): Promise<void> => {
    const connection = await connect(broker);
    this.#sender = await openSender(connection, REQUEST_KEY);
    await openReceiver(connection, REPLY_KEY, ({ message }: EventContext) => {
      if (message !== undefined) this.reply(String(message.correlation_id), message);
    });
    await openReceiver(connection, EVENT_KEYS, ({ message }: EventContext) => {
      if (message !== undefined) this.event(message);
    });
  };

  protected sendCall(correlationId: string): void {
    this.#sender?.send(callRequest(correlationId));
  }

  protected sendQuery(correlationId: string): void {
    this.#sender?.send(queryRequest(correlationId));
  }

  /** rhea has decoded it; a list may have come as a sequence. */
  protected bodyOf({ body }: Message): unknown {
    const decoded: unknown = body;
    return typeof decoded === 'object' && decoded !== null && 'content' in decoded
      ? decoded.content
      : decoded;
  }

  protected isPartial({ application_properties: properties }: Message): boolean {
    return properties !== undefined && 'partial' in properties;
  }
}

serve(new RheaRequester());
