import type { Socket } from 'node:net';
import type { ChannelModel } from 'amqplib';
import type { SaslExchange } from '../sasl/exchange.js';
import {
  type AmqplibConnection,
  Connection,
  type Frame,
  methods,
  Model,
  type OpeningFields,
} from './amqplib-connection.js';

export interface OpeningSetup {
  readonly vhost: string;
  /** Tells connections apart at the broker. */
  readonly clientName: string;
  /** Seconds. */
  readonly heartbeat: number;
  /** Picks how to log in from what the broker offers; throws when nothing will do. */
  readonly choose: (offered: readonly string[]) => SaslExchange;
}

/** How far an opening came before it failed. */
export type OpeningStage = 'greeting' | 'login' | 'vhost';

/** An opening that failed: where, and what is known of it. */
export interface OpeningFailure {
  readonly stage: OpeningStage;
  /** The mechanism of the login. */
  readonly mechanism: string | undefined;
  /** What the broker said when it closed the connection. */
  readonly refusal: { readonly code: number; readonly text: string } | undefined;
  /** The login ended on our side. */
  readonly broken: unknown;
  /** What amqplib makes of it. */
  readonly error: unknown;
  /** What came and was not understood. */
  readonly received: Buffer;
}

const CAPABILITIES = {
  publisher_confirms: true,
  exchange_exchange_bindings: true,
  'basic.nack': true,
  consumer_cancel_notify: true,
  'connection.blocked': true,
  // Without it RabbitMQ just hangs up on wrong credentials.
  authentication_failure_close: true,
};

/**
 * Opens an AMQP 0-9-1 connection on a socket. Nothing that the broker says after its open-ok is looked at before `opened` has put
 * its listeners in place.
 *
 * @returns what `opened` made of the connection, or why there is none
 */
export function openConnection<T>(
  socket: Socket,
  setup: OpeningSetup,
  opened: (model: ChannelModel) => T,
): Promise<{ readonly kind: 'open'; readonly result: T } | ({ readonly kind: 'failed' } & OpeningFailure)> {
  const connection = new Connection(socket);
  const fields = openingFields(setup);
  const login = new Login(connection, fields, setup.choose);
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => {
      const { stage, refusal, broken, mechanism } = login;
      resolve({ kind: 'failed', stage, refusal, broken, mechanism, error, received: connection.rest });
    };
    login.onBroken = fail;
    connection.open(fields, error => {
      if (error !== null) {
        fail(error);
        return;
      }
      try {
        // First, as `opened` may have a way of its own to take frames.
        login.release();
        const result = opened(new Model(connection));
        resolve({ kind: 'open', result });
        // What came with the open-ok waits in amqplib's own buffer, of which its stream would tell nobody.
        socket.emit('readable');
      } catch (cause) {
        reject(cause instanceof Error ? cause : new Error(String(cause)));
      }
    });
  });
}

/** Looks at the frames of an opening before amqplib does. */
class Login {
  stage: OpeningStage = 'greeting';
  refusal: OpeningFailure['refusal'];
  broken: unknown;
  onBroken: (error: unknown) => void = () => undefined;
  readonly #connection: AmqplibConnection;
  readonly #fields: OpeningFields;
  readonly #choose: OpeningSetup['choose'];
  readonly #take: AmqplibConnection['recvFrame'];
  #exchange: SaslExchange | undefined;
  #seen: Frame | undefined;
  #isHeld = false;

  constructor(connection: AmqplibConnection, fields: OpeningFields, choose: OpeningSetup['choose']) {
    this.#connection = connection;
    this.#fields = fields;
    this.#choose = choose;
    if (typeof connection.recvFrame !== 'function')
      throw new Error('this version of amqplib is not one that the 0-9-1 transport can work with');
    this.#take = connection.recvFrame.bind(connection);
    connection.recvFrame = () => this.#next();
  }

  get mechanism(): string | undefined {
    return this.#exchange?.mechanism;
  }

  /** From now on frames go the way that amqplib has for them. */
  release(): void {
    this.#connection.recvFrame = this.#take;
  }

  #next(): ReturnType<AmqplibConnection['recvFrame']> {
    if (this.#isHeld) return undefined;
    const frame = this.#take();
    // amqplib calls itself when it had to read more, and so comes here twice for one frame.
    if (!frame || frame === this.#seen) return frame;
    this.#seen = frame;
    try {
      return this.#look(frame) === 'pass' ? frame : undefined;
    } catch (error) {
      this.#break(error);
      return undefined;
    }
  }

  #look(frame: Frame): 'pass' | 'keep' {
    const { fields = {} } = frame;
    switch (frame.id) {
      case methods.start: {
        const offered = bytesOf(fields['mechanisms'])
          .toString('utf8')
          .split(' ')
          .filter(name => name !== '');
        this.#exchange = this.#choose(offered);
        this.#fields.mechanism = this.#exchange.mechanism;
        this.#fields.response = this.#exchange.initial();
        this.stage = 'login';
        return 'pass';
      }
      case methods.secure:
        // amqplib knows nothing of a second step.
        this.#answer(bytesOf(fields['challenge']));
        return 'keep';
      case methods.tune:
        this.#exchange?.conclude(undefined);
        this.stage = 'vhost';
        return 'pass';
      case methods.openOk:
        this.#isHeld = true;
        return 'pass';
      case methods.close: {
        const { replyCode, replyText } = fields;
        this.refusal = { code: Number(replyCode), text: typeof replyText === 'string' ? replyText : '' };
        return 'pass';
      }
      default:
        return 'pass';
    }
  }

  #answer(challenge: Buffer): void {
    this.#exchange?.answer(challenge).then(
      response => {
        // The socket may be gone by now; what it says of that reaches amqplib by itself.
        if (this.broken === undefined) this.#connection.sendMethod(0, methods.secureOk, { response });
      },
      (error: unknown) => this.#break(error),
    );
  }

  #break(error: unknown): void {
    this.#isHeld = true;
    this.broken = error;
    this.onBroken(error);
  }
}

function openingFields({ vhost, clientName, heartbeat }: OpeningSetup): OpeningFields {
  return {
    clientProperties: {
      product: 'imagefactory-qmf',
      platform: `Node.js ${process.version}`,
      connection_name: clientName,
      capabilities: CAPABILITIES,
    },
    mechanism: '',
    response: Buffer.alloc(0),
    locale: 'en_US',
    channelMax: 0,
    frameMax: 131_072,
    heartbeat,
    virtualHost: vhost,
    capabilities: '',
    insist: 0,
  };
}

function bytesOf(value: unknown): Buffer {
  return Buffer.isBuffer(value) ? value : Buffer.from(typeof value === 'string' ? value : '');
}
