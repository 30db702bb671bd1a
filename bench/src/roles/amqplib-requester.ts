import type { ConsumeMessage } from 'amqplib';
import { serve } from '../process/serve.js';
import { connect, type Link } from './amqplib-link.js';
import { callRequest, queryRequest, readBody } from './amqplib-messages.js';
import { EVENT_KEYS, REPLY_KEY } from './bare-keys.js';
import { BareRequester } from './bare-requester.js';

class AmqplibRequester extends BareRequester<ConsumeMessage> {
  #link: Link | undefined;

  readonly start = async ({ broker }: { readonly broker: string }): Promise<void> => {
    this.#link = await connect(broker);
    await this.#link.listen(REPLY_KEY, message =>
      this.reply(String(message.properties.correlationId), message),
    );
    await this.#link.listen(EVENT_KEYS, message => this.event(message));
  };

  protected sendCall(correlationId: string): void {
    this.#link?.publish(callRequest(correlationId));
  }

  protected sendQuery(correlationId: string): void {
    this.#link?.publish(queryRequest(correlationId));
  }

  protected bodyOf({ content, properties }: ConsumeMessage): unknown {
    return readBody(content, properties.contentType);
  }

  protected isPartial({ properties }: ConsumeMessage): boolean {
    return properties.headers !== undefined && 'partial' in properties.headers;
  }
}

serve(new AmqplibRequester());
