import type { Connection } from 'rhea';

/** A login by one SASL mechanism; see RFC 4422. */
export interface SaslSteps {
  readonly mechanism: string;
  initial(): Buffer;
  answer(challenge: Buffer): Promise<Buffer>;
  conclude(data: Buffer | undefined): void;
}

export interface SaslHandlers {
  /** Picks from what the peer offers; throws when nothing will do. */
  readonly choose: (offered: readonly string[]) => SaslSteps;
  /** The peer has let us in. */
  readonly succeeded?: () => void;
  /** The peer refuses the credentials. */
  readonly refused: (mechanism: string) => void;
  /** The login failed on our side: nothing was chosen, or the peer broke the rules of the mechanism. */
  readonly failed: (error: unknown) => void;
}

interface Frame {
  readonly performative: {
    readonly sasl_server_mechanisms?: unknown;
    readonly challenge?: unknown;
    readonly code?: unknown;
    readonly additional_data?: unknown;
  };
}

/** rhea's side of a login, which its typings leave out; checked against rhea 3.0 by sasl-login.test.ts. */
interface SaslClient {
  mechanisms: Readonly<Record<string, unknown>>;
  on_sasl_mechanisms(frame: Frame): void;
  on_sasl_outcome(frame: Frame): void;
}

/** Outcome codes of AMQP 1.0 §5.3.3.6. */
const OK = 0;
const AUTH = 1;

/**
 * Logs in by our own choice. rhea would take the first mechanism that the broker names and it knows, has no SCRAM, and passes over
 * what a broker says beside the outcome. To be called before the first byte arrives, on a connection
 * with a SASL layer.
 */
export function logIn(connection: Connection, handlers: SaslHandlers): void {
  const { sasl_transport: client } = connection as unknown as { readonly sasl_transport?: SaslClient };
  if (client === undefined || typeof client.on_sasl_mechanisms !== 'function') {
    throw new Error('this version of rhea is not one that the AMQP 1.0 transport can work with');
  }
  const start = client.on_sasl_mechanisms.bind(client);
  const finish = client.on_sasl_outcome.bind(client);
  let steps: SaslSteps | undefined;
  client.on_sasl_mechanisms = frame => {
    let chosen: SaslSteps;
    let initial: Buffer;
    try {
      chosen = handlers.choose(wordsOf(frame.performative.sasl_server_mechanisms));
      initial = chosen.initial();
    } catch (error) {
      handlers.failed(error);
      return;
    }
    steps = chosen;
    const mechanism = {
      start: (done: (error: undefined, response: Buffer) => void) => done(undefined, initial),
      step: (challenge: unknown, done: (error: undefined, response: Buffer) => void) => {
        chosen.answer(bytesOf(challenge) ?? Buffer.alloc(0)).then(
          response => done(undefined, response),
          (error: unknown) => handlers.failed(error),
        );
      },
    };
    client.mechanisms = { [chosen.mechanism]: mechanism };
    start(frame);
  };
  client.on_sasl_outcome = frame => {
    const { code, additional_data } = frame.performative;
    if (code === AUTH) {
      handlers.refused(steps?.mechanism ?? 'none');
      return;
    }
    try {
      if (code === OK) {
        if (steps === undefined) throw new Error('the peer said yes before it was asked');
        steps.conclude(bytesOf(additional_data));
        handlers.succeeded?.();
      }
    } catch (error) {
      handlers.failed(error);
      return;
    }
    finish(frame);
  };
}

function wordsOf(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).flatMap((word: unknown) =>
    typeof word === 'string' ? [word] : [],
  );
}

function bytesOf(value: unknown): Buffer | undefined {
  if (Buffer.isBuffer(value)) return value;
  return typeof value === 'string' ? Buffer.from(value, 'utf8') : undefined;
}
