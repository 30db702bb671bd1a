import type { Channel, ChannelModel } from 'amqplib';
import type { Binding } from '../transport.js';
import { channelError, exchangeGone, isNotFound, mayStillBeThere } from './errors.js';

/** In RabbitMQ's terms. */
const BINDING = `to bind: 'write' for its queue, 'read' for the exchange, and a topic permission to read the key where there are such`;

/**
 * Declares exchanges and binds the queue, one after the other on a channel of their own: whatever the broker refuses ends the
 * channel that it was asked on, and must take nothing else along.
 */
export class Topology {
  readonly #model: ChannelModel;
  /** Exchanges that were there on this connection, by type and name. */
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

  /**
   * Binds the queue. A binding that is there already stays as it is (AMQP 0-9-1 reference, queue.bind).
   *
   * @throws QmfError `address_refused`, `not_authorised`, or `connection_lost` also when an exchange is gone that was there before
   */
  bind(queue: string, binding: Binding): Promise<void> {
    const { exchange, key } = binding;
    return this.#inTurn(async () => {
      try {
        await this.#declare(binding);
        await (await this.#open()).bindQueue(queue, exchange, key);
      } catch (error) {
        const what = `listening to ${exchange} for ${key}`;
        const wasThere = this.#declared.has(nameOf(binding));
        throw isNotFound(error) && wasThere ? exchangeGone(what, error) : channelError(what, error, BINDING);
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
  async #declare(binding: Binding): Promise<void> {
    const { exchange, exchangeType } = binding;
    if (this.#declared.has(nameOf(binding))) return;
    try {
      const channel = await this.#open();
      await channel.assertExchange(exchange, exchangeType, { durable: false, autoDelete: false });
    } catch (error) {
      if (!mayStillBeThere(error)) throw error;
      const channel = await this.#open();
      // Where it isn't there either, why it could not be made says more.
      await channel.checkExchange(exchange).catch(() => Promise.reject(error as Error)); // amqplib rejects with nothing else
    }
    this.#declared.add(nameOf(binding));
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

function nameOf({ exchange, exchangeType }: Binding): string {
  return `${exchangeType}:${exchange}`;
}
