import type { ChannelModel, Message } from 'amqplib';
import { QmfError } from '../../errors.js';
import { readBasicProperties } from './basic-properties.js';
import { ChannelOutlet } from './channel-outlet.js';
import type { Publication } from './envelopes.js';
import { shownName } from '../dial/peer-words.js';
import { channelError, exchangeGone, isNotFound, lacksChannel, refusesOneMessage } from './errors.js';
import { frameLimit } from './flow.js';
import type { Manners } from './manners.js';
import { publishFrames } from './publish-frames.js';
import { UndecodedProperties } from './undecoded-headers.js';

interface Pending {
  readonly publication: Publication;
  readonly resolve: () => void;
  readonly reject: (error: QmfError) => void;
}

type State =
  | { readonly kind: 'opening' }
  | { readonly kind: 'open'; readonly outlet: ChannelOutlet }
  | { readonly kind: 'ended'; readonly reason: QmfError };

/** In RabbitMQ's terms. */
const PUBLISHING = `to publish there: 'write' for the exchange, and a topic permission to write the key where there are such`;

/** What keeps messages here: the broker blocks the connection (`connection.blocked`), or this channel (`channel.flow`). */
type Hold = 'connection' | 'channel';

/** Messages that may wait for the broker's word on one exchange before further ones are refused. */
const MAX_UNSETTLED = 10_000;

/**
 * A channel in confirm mode for one exchange, which settles every send. A channel each, because the broker ends the channel on
 * which an exchange was named that is not there or not allowed, with all that is unsettled on it.
 */
export class Publisher {
  readonly #what: string;
  readonly #manners: Manners;
  readonly #isListenedTo: () => boolean;
  readonly #frameLimit: number;
  readonly #onEnd: (reason: QmfError) => void;
  readonly #unsettled = new Set<Pending>();
  #state: State = { kind: 'opening' };
  /** Not published yet: the channel is being opened, or the broker holds us up. */
  #waiting: Pending[] = [];
  readonly #held = new Set<Hold>();
  /** For messages that must reach a queue and have no id by which a return could be told. */
  #marks = 0;

  /**
   * @param isListenedTo whether we are bound to the exchange, and deaf when it is gone
   * @param ready settles when there is a channel to be had
   * @param onEnd told when the broker ends the channel; with `connection_lost` what was sent may have arrived
   */
  constructor(
    model: ChannelModel,
    exchange: string,
    manners: Manners,
    isListenedTo: () => boolean,
    ready: Promise<unknown>,
    onEnd: (reason: QmfError) => void,
  ) {
    this.#what = exchange === '' ? 'sending to a queue' : `sending to ${shownName(exchange)}`;
    this.#manners = manners;
    this.#isListenedTo = isListenedTo;
    this.#frameLimit = frameLimit(model);
    this.#onEnd = onEnd;
    ready
      .then(async () => new ChannelOutlet(await model.createConfirmChannel()))
      .then(
        outlet => this.#opened(outlet),
        (error: unknown) => {
          const { message, code } = channelError(this.#what, error);
          // Nothing was sent, and another exchange's channel may become idle.
          this.#fail(
            new QmfError(lacksChannel(error) ? 'message_released' : code, message, { cause: error }),
          );
        },
      );
  }

  send(publication: Publication): Promise<void> {
    if (this.#state.kind === 'ended') return Promise.reject(this.#state.reason.unsent());
    if (this.#unsettled.size >= MAX_UNSETTLED) {
      const message = `${MAX_UNSETTLED} messages wait for the broker already`;
      return Promise.reject(new QmfError('outbox_full', `${this.#what}: ${message}`));
    }
    return new Promise((resolve, reject) => {
      const pending: Pending = { publication: this.#marked(publication), resolve, reject };
      this.#unsettled.add(pending);
      if (this.#state.kind === 'open' && this.#held.size === 0) this.#publish(this.#state.outlet, pending);
      else this.#waiting.push(pending);
    });
  }

  /** The broker wants nothing more for now. */
  hold(by: Hold): void {
    this.#held.add(by);
  }

  release(by: Hold): void {
    this.#held.delete(by);
    this.#publishWaiting();
  }

  /** Number of the channel, once it is open. */
  get channel(): number | undefined {
    return this.#state.kind === 'open' ? this.#state.outlet.number : undefined;
  }

  get idle(): boolean {
    return this.#unsettled.size === 0;
  }

  /** Fails everything unsettled; what was under way may have arrived. */
  end(reason: QmfError): void {
    if (this.#state.kind === 'ended') return;
    this.#state = { kind: 'ended', reason };
    const unsettled = [...this.#unsettled];
    const waiting = new Set(this.#waiting);
    this.#unsettled.clear();
    this.#waiting = [];
    for (const pending of unsettled) pending.reject(waiting.has(pending) ? reason.unsent() : reason);
  }

  /** Closes an idle channel, and settles when it is. Never rejects. */
  async close(): Promise<void> {
    const before = this.#state;
    this.end(new QmfError('connection_lost', `${this.#what}: the channel was closed`));
    if (before.kind === 'open') await before.outlet.channel.close().catch(() => undefined); // closed by the broker just now
  }

  #opened(outlet: ChannelOutlet): void {
    const { channel } = outlet;
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
    this.#state = { kind: 'open', outlet };
    this.#publishWaiting();
  }

  #publishWaiting(): void {
    if (this.#state.kind !== 'open' || this.#held.size > 0) return;
    const { outlet } = this.#state;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const pending of waiting) this.#publish(outlet, pending);
  }

  #publish(outlet: ChannelOutlet, pending: Pending): void {
    let frames: Buffer;
    try {
      frames = publishFrames(pending.publication, outlet.number, this.#frameLimit);
    } catch (error) {
      this.#settle(pending, QmfError.from(error, 'not_encodable'));
      return;
    }
    outlet.send(frames, error => {
      // A closing channel calls back too; its own event comes with the reason.
      if (error === null) this.#settle(pending, undefined);
      else if (error.message === 'message nacked') this.#settle(pending, this.#refusal(pending));
    });
  }

  /** The broker returns a message that no queue took, and confirms it afterwards. */
  #returned(message: Message): void {
    const properties: unknown = message.properties;
    if (!(properties instanceof UndecodedProperties)) return; // cannot be: headers stay undecoded
    const { messageId } = readBasicProperties(properties.bytes);
    for (const pending of this.#unsettled) {
      if (pending.publication.properties.messageId !== messageId) continue;
      this.#settle(pending, noQueue(pending));
      return;
    }
  }

  #refusal(pending: Pending): QmfError {
    if (pending.publication.mandatory && this.#manners.unroutable === 'nack') return noQueue(pending);
    return new QmfError('message_released', `${this.#what}: the broker did not take the message now`);
  }

  #marked(publication: Publication): Publication {
    const { mandatory, properties } = publication;
    if (!mandatory || properties.messageId !== undefined) return publication;
    return { ...publication, properties: { ...properties, messageId: `r${++this.#marks}` } };
  }

  #settle(pending: Pending, error: QmfError | undefined): void {
    if (!this.#unsettled.delete(pending)) return;
    if (error === undefined) pending.resolve();
    else pending.reject(error);
  }

  #closedWith(error: unknown): void {
    if (isNotFound(error) && this.#isListenedTo()) {
      this.#fail(exchangeGone(this.#what, error));
      return;
    }
    const reason = channelError(this.#what, error, PUBLISHING);
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
  return new QmfError('address_refused', `there is no queue ${shownName(publication.routingKey)}`);
}
