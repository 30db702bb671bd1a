import type { Channel, ChannelModel } from 'amqplib';
import type { Binding } from '../transport.js';
import { channelError, mayStillBeThere } from './errors.js';

/**
 * Declares exchanges and binds the queue, one after the other on a channel of their own: whatever the broker refuses ends the
 * channel that it was asked on, and must take nothing else along.
 */
export class Topology {
  readonly #model: ChannelModel;
  readonly #declared = new Set<string>();
  #channel: Channel | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(model: ChannelModel) {
    this.#model = model;
  }

  /** Opens the channel. */
  start(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#open();
    });
  }

  /** @throws QmfError `address_refused`, `not_authorised` or `connection_lost` */
  bind(queue: string, binding: Binding): Promise<void> {
    const { exchange, key } = binding;
    return this.#inTurn(async () => {
      try {
        await this.#declare(binding);
        await (await this.#open()).bindQueue(queue, exchange, key);
      } catch (error) {
        throw channelError(`listening to ${exchange} for ${key}`, error);
      }
    });
  }

  /** Unbinds, unless the binding is wanted again when its turn comes. Never rejects. */
  unbind(queue: string, { exchange, key }: Binding, isWanted: () => boolean): Promise<void> {
    return this.#inTurn(async () => {
      if (isWanted()) return;
      const channel = await this.#open();
      await channel.unbindQueue(queue, exchange, key);
    }).catch(() => undefined); // an exchange deleted meanwhile took its bindings along
  }

  /** QMF's own exchanges exist on qpidd only, so everybody declares them (wire document §1.7). */
  async #declare({ exchange, exchangeType }: Binding): Promise<void> {
    const name = `${exchangeType}:${exchange}`;
    if (this.#declared.has(name)) return;
    try {
      const channel = await this.#open();
      await channel.assertExchange(exchange, exchangeType, { durable: false, autoDelete: false });
    } catch (error) {
      if (!mayStillBeThere(error)) throw error;
      const channel = await this.#open();
      // Where it isn't there either, why it could not be made says more.
      await channel.checkExchange(exchange).catch(() => Promise.reject(error as Error)); // amqplib rejects with nothing else
    }
    this.#declared.add(name);
  }

  async #open(): Promise<Channel> {
    if (this.#channel !== undefined) return this.#channel;
    const channel = await this.#model.createChannel();
    this.#channel = channel;
    channel.on('error', () => undefined); // the call that caused it rejects with the same reason
    channel.on('close', () => {
      if (this.#channel === channel) this.#channel = undefined;
    });
    return channel;
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => undefined);
    return result;
  }
}
