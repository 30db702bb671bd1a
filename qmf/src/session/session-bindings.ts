import type { BusConnection } from '../connection/bus-connection.js';
import { QmfError } from '../errors.js';
import type { Envelope } from '../message/envelope.js';
import { directExchange, topicExchange } from '../message/keys.js';
import type { Binding } from '../transport/transport.js';
import { OptionalBinding } from './optional-binding.js';
import type { SessionLog } from './session-log.js';

/** Which exchange of a QMF domain, and the key that a session listens to. */
export interface SessionKey {
  readonly exchange: 'topic' | 'direct';
  readonly key: string;
}

/** The keys that a session listens to, from its opening to its close, across reconnects (wire document §1.2). */
export class SessionBindings {
  #unbinds: (() => void)[] = [];
  #closed = false;

  constructor(
    private readonly connection: BusConnection,
    private readonly domain: string,
    private readonly log: SessionLog,
  ) {}

  /**
   * Listens to all keys until {@link close}. `receive` gets the key by which the broker has delivered a message: that is what rights at the
   * broker are about, while a sender may write any subject into it. A message that `receive` throws at costs neither the session nor the connection.
   *
   * @throws QmfError `address_refused` when the broker refuses one of them
   */
  async open(
    keys: readonly SessionKey[],
    receive: (envelope: Envelope, key: SessionKey) => void,
  ): Promise<void> {
    const bind = (key: SessionKey): Promise<void> =>
      this.#bind(
        this.#bindingOf(key),
        this.#guarded(envelope => receive(envelope, key)),
      );
    await Promise.all(keys.map(bind));
  }

  /** Listens to one more key on each connection whose broker allows it. */
  try(key: SessionKey, receive: (envelope: Envelope) => void): void {
    const listening = { binding: this.#bindingOf(key), deliver: this.#guarded(receive) };
    const optional = new OptionalBinding(this.connection, {
      listenAt: () => listening,
      onRefused: ({ message }) => this.log.debug(`not listening to ${key.key}: ${message}`),
    });
    this.#unbinds.push(() => optional.close());
  }

  #guarded(receive: (envelope: Envelope) => void): (envelope: Envelope) => void {
    return envelope => {
      if (this.#closed) return;
      try {
        receive(envelope);
      } catch (error) {
        const { message } = QmfError.from(error, 'malformed_message');
        this.log.warn(`a message to ${envelope.to.subject ?? envelope.to.node} was dropped: ${message}`);
      }
    };
  }

  async #bind(binding: Binding, deliver: (envelope: Envelope) => void): Promise<void> {
    const unbind = await this.connection.bind(binding, deliver);
    if (this.#closed) unbind();
    else this.#unbinds.push(unbind);
  }

  #bindingOf({ exchange, key }: SessionKey): Binding {
    const { domain } = this;
    const name = exchange === 'topic' ? topicExchange(domain) : directExchange(domain);
    // Those of `default` come with a broker for QMF; those of other domains may have to be made first (§1.5).
    return { exchange: name, exchangeType: exchange, key, create: domain !== 'default' };
  }

  close(): void {
    this.#closed = true;
    for (const unbind of this.#unbinds.splice(0)) unbind();
  }
}
