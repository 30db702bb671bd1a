import { randomUUID } from 'node:crypto';
import rhea, { type Connection, type Message, type Receiver, type Sender } from 'rhea';
import { type BareMessage, decodeBareMessage, encodeBareMessage } from '../codec/amqp10-message.js';
import { on } from '../rhea/events.js';
import { deliverRaw } from '../rhea/raw-deliveries.js';
import { textOf } from '../value/text.js';
import { until } from './poll.test.fixture.js';

/** What a raw peer received on one link, oldest first. */
export class Inbox {
  readonly messages: BareMessage[] = [];
  /** Gets what comes instead of {@link messages}, once set. */
  onMessage: ((message: BareMessage) => void) | undefined;

  /** Of the queue or exchange, as the broker gave it. */
  address = '';

  /** Takes the first message that matches, waiting for it if need be. */
  next(match: (message: BareMessage) => boolean = () => true, timeout = 60_000): Promise<BareMessage> {
    return until(
      `a message on ${this.address}; there are ${this.messages.map(opcodeIn).join(', ') || 'none'}`,
      () => {
        const index = this.messages.findIndex(match);
        return index < 0 ? undefined : this.messages.splice(index, 1)[0];
      },
      timeout,
    );
  }

  answerTo(correlationId: string): Promise<BareMessage> {
    return this.next(message => message.correlationId === correlationId);
  }
}

export const opcodeIn = (message: BareMessage): string =>
  textOf(message.applicationProperties?.get('qmf.opcode')) ?? '(no opcode)';

/** An AMQP 1.0 peer of rhea and our codec alone, which does what other implementations do: a console or an agent of old. */
export class RawPeer {
  readonly #senders = new Map<string, Sender>();

  #state: 'open' | 'closed' = 'open';

  private constructor(private readonly connection: Connection) {
    const closed = (): void => {
      this.#state = 'closed';
    };
    connection.on('connection_close', closed);
    connection.on('disconnected', closed);
  }

  /** @param login user and password for SASL PLAIN; without, ANONYMOUS */
  static async connect(
    port: number,
    login: { readonly username: string; readonly password?: string } = { username: 'anonymous' },
  ): Promise<RawPeer> {
    const container = rhea.create_container({ id: `raw-${randomUUID()}` });
    container.on('error', () => undefined);
    const options = {
      port,
      host: '127.0.0.1',
      ...login,
      reconnect: false as const,
      tcp_no_delay: true,
    };
    const connection = container.connect(options);
    connection.on('error', () => undefined);
    let open = false;
    connection.on('connection_open', () => {
      open = true;
    });
    await until('the raw peer is connected', () => open);
    return new RawPeer(connection);
  }

  /** A binding of an exchange. */
  async listen(exchange: string, key: string): Promise<Inbox> {
    const filter = { 'subject-filter': rhea.types.wrap_described(key, 0x468c00000001) as unknown as object }; // rhea's typings know no described values
    return (await this.#receive({ address: exchange, filter })).inbox;
  }

  /** A queue of the broker's naming, as scripts use it for answers. */
  async dynamicQueue(): Promise<Inbox> {
    return (await this.#receive({ dynamic: true, address: '' })).inbox;
  }

  async #receive(source: object): Promise<{ inbox: Inbox; receiver: Receiver }> {
    const session = this.connection.create_session();
    deliverRaw(session);
    session.begin();
    const receiver = session.open_receiver({ name: randomUUID(), source });
    let open = false;
    on(receiver, 'receiver_open', () => {
      open = true;
    });
    const inbox = new Inbox();
    on(receiver, 'message', ({ message }) => {
      if (!Buffer.isBuffer(message)) return;
      const decoded = decodeBareMessage(message);
      if (inbox.onMessage === undefined) inbox.messages.push(decoded);
      else inbox.onMessage(decoded);
    });
    await until('the receiver is open', () => open);
    const address: unknown = receiver.source.address;
    if (typeof address === 'string') inbox.address = address;
    return { inbox, receiver };
  }

  /** Sends our codec's encoding of a message to an exchange or queue. */
  send(node: string, message: BareMessage): void {
    this.sendBytes(node, encodeBareMessage(message));
  }

  /** Sends a message as rhea alone encodes it. */
  sendPlain(node: string, message: Message): void {
    this.#sender(node).send(message);
  }

  sendBytes(node: string, bytes: Buffer): void {
    this.#sender(node).send(bytes, undefined, 0);
  }

  #sender(node: string): Sender {
    const known = this.#senders.get(node);
    if (known !== undefined) return known;
    const sender = this.connection.open_sender({ name: randomUUID(), target: { address: node } });
    this.#senders.set(node, sender);
    return sender;
  }

  async close(): Promise<void> {
    if (this.#state === 'open') this.connection.close();
    await until('the raw peer is closed', () => this.#state === 'closed');
  }
}
