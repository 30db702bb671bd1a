import type { ChannelModel, ConfirmChannel, Message } from 'amqplib';
import { QmfError } from '../../errors.js';
import { readBasicProperties } from './basic-properties.js';
import type { Publication } from './envelopes.js';
import { channelError, refusesOneMessage } from './errors.js';
import type { Manners } from './manners.js';
import { UndecodedProperties } from './undecoded-headers.js';

interface Pending {
  readonly publication: Publication;
  readonly resolve: () => void;
  readonly reject: (error: QmfError) => void;
}

type State =
  | { readonly kind: 'opening'; readonly waiting: Pending[] }
  | { readonly kind: 'open'; readonly channel: ConfirmChannel }
  | { readonly kind: 'ended'; readonly reason: QmfError };

/** Messages that may wait for the broker's word on one exchange before further ones are refused. */
const MAX_UNSETTLED = 10_000;

/**
 * A channel in confirm mode for one exchange, which settles every send. A channel each, because the broker ends the channel on
 * which an exchange was named that is not there or not allowed, with all that is unsettled on it.
 */
export class Publisher {
  readonly #what: string;
  readonly #manners: Manners;
  readonly #onEnd: (reason: QmfError) => void;
  readonly #unsettled = new Set<Pending>();
  #state: State = { kind: 'opening', waiting: [] };
  /** For messages that must reach a queue and have no id by which a return could be told. */
  #marks = 0;

  /** @param onEnd told when the broker ends the channel; with `connection_lost` what was sent may have arrived */
  constructor(model: ChannelModel, exchange: string, manners: Manners, onEnd: (reason: QmfError) => void) {
    this.#what = exchange === '' ? 'sending to a queue' : `sending to ${exchange}`;
    this.#manners = manners;
    this.#onEnd = onEnd;
    model.createConfirmChannel().then(
      channel => this.#opened(channel),
      (error: unknown) => this.#fail(channelError(this.#what, error)),
    );
  }

  send(publication: Publication): Promise<void> {
    if (this.#state.kind === 'ended') return Promise.reject(this.#state.reason);
    if (this.#unsettled.size >= MAX_UNSETTLED) {
      const message = `${MAX_UNSETTLED} messages wait for the broker already`;
      return Promise.reject(new QmfError('outbox_full', `${this.#what}: ${message}`));
    }
    return new Promise((resolve, reject) => {
      const pending: Pending = { publication: this.#marked(publication), resolve, reject };
      this.#unsettled.add(pending);
      if (this.#state.kind === 'opening') this.#state.waiting.push(pending);
      else if (this.#state.kind === 'open') this.#publish(this.#state.channel, pending);
    });
  }

  get idle(): boolean {
    return this.#unsettled.size === 0;
  }

  /** Fails everything unsettled; what was under way may have arrived. */
  end(reason: QmfError): void {
    if (this.#state.kind === 'ended') return;
    this.#state = { kind: 'ended', reason };
    const unsettled = [...this.#unsettled];
    this.#unsettled.clear();
    for (const { reject } of unsettled) reject(reason);
  }

  /** Closes an idle channel. */
  close(): void {
    const before = this.#state;
    this.end(new QmfError('connection_lost', `${this.#what}: the channel was closed`));
    if (before.kind === 'open') before.channel.close().catch(() => undefined); // closed by the broker just now
  }

  #opened(channel: ConfirmChannel): void {
    channel.on('error', (error: unknown) => this.#closedWith(error));
    // When the connection ends its channels hear of it first, without the reason; the wire tells it in the same turn.
    channel.on('close', () => {
      queueMicrotask(() => this.#fail(new QmfError('connection_lost', `${this.#what}: the channel is gone`)));
    });
    channel.on('return', message => this.#returned(message));
    if (this.#state.kind !== 'opening') {
      channel.close().catch(() => undefined); // ended while opening
      return;
    }
    const { waiting } = this.#state;
    this.#state = { kind: 'open', channel };
    for (const pending of waiting) this.#publish(channel, pending);
  }

  #publish(channel: ConfirmChannel, pending: Pending): void {
    const { exchange, routingKey, content, options } = pending.publication;
    try {
      channel.publish(exchange, routingKey, content, options, (error: unknown) => {
        // A closing channel calls back too; its own event comes with the reason.
        if (error === null) this.#settle(pending, undefined);
        else if (error instanceof Error && error.message === 'message nacked') {
          this.#settle(pending, this.#refusal(pending));
        }
      });
    } catch (error) {
      this.#settle(pending, QmfError.from(error, 'not_encodable'));
    }
  }

  /** The broker returns a message that no queue took, and confirms it afterwards. */
  #returned(message: Message): void {
    const properties: unknown = message.properties;
    if (!(properties instanceof UndecodedProperties)) return; // cannot be: headers stay undecoded
    const { messageId } = readBasicProperties(properties.bytes);
    for (const pending of this.#unsettled) {
      if (pending.publication.options.messageId !== messageId) continue;
      this.#settle(pending, noQueue(pending));
      return;
    }
  }

  #refusal(pending: Pending): QmfError {
    if (pending.publication.options.mandatory === true && this.#manners.unroutable === 'nack')
      return noQueue(pending);
    return new QmfError('message_released', `${this.#what}: the broker did not take the message now`);
  }

  #marked(publication: Publication): Publication {
    const { options } = publication;
    if (options.mandatory !== true || options.messageId !== undefined) return publication;
    return { ...publication, options: { ...options, messageId: `r${++this.#marks}` } };
  }

  #settle(pending: Pending, error: QmfError | undefined): void {
    if (!this.#unsettled.delete(pending)) return;
    if (error === undefined) pending.resolve();
    else pending.reject(error);
  }

  #closedWith(error: unknown): void {
    const reason = channelError(this.#what, error);
    if (!refusesOneMessage(error)) {
      this.#fail(reason);
      return;
    }
    // The broker doesn't say which; what it finds too much can only be the largest. The others are for the next connection.
    const sizes = [...this.#unsettled].map(pending => pending.publication.content.length);
    const largest = [...this.#unsettled][sizes.indexOf(Math.max(...sizes))];
    if (largest !== undefined) this.#settle(largest, new QmfError('message_rejected', reason.message));
    this.#fail(new QmfError('connection_lost', `${this.#what}: the channel ended over another message`));
  }

  #fail(reason: QmfError): void {
    if (this.#state.kind === 'ended') return;
    this.end(reason);
    this.#onEnd(reason);
  }
}

function noQueue({ publication }: Pending): QmfError {
  return new QmfError('address_refused', `there is no queue ${publication.routingKey}`);
}
