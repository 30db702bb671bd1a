import type { BusConnection } from '../connection/bus-connection.js';
import { QmfError } from '../errors.js';
import { formOf, listContent, mapContent } from '../message/content.js';
import type { Address, BodyForm, Envelope } from '../message/envelope.js';
import { AgentException, exceptionCodes, exceptionToValue } from '../message/exception.js';
import { type ContentKind, headersFor, type Opcode } from '../message/headers.js';
import type { MessageId } from '../codec/amqp10-message.js';
import type { Value, ValueList, ValueMap } from '../value/value.js';
import { batches } from './batches.js';

/** Where and how one request is answered. */
export interface ReplyTarget {
  readonly to: Address;
  readonly correlationId: MessageId | undefined;
  readonly form: BodyForm;
}

export function replyTargetOf(envelope: Envelope, replyTo: Address, otherwise: BodyForm): ReplyTarget {
  return { to: replyTo, correlationId: envelope.correlationId, form: formOf(envelope.body, otherwise) };
}

/** Sends answers: in the form of the request, with its correlation id, in the order they were given. */
export class Replies {
  constructor(
    private readonly connection: BusConnection,
    private readonly agent: string,
    private readonly onFailure: (error: QmfError, target: ReplyTarget) => void,
  ) {}

  /** The result settles when the answer was sent or lost; it never rejects. */
  map(target: ReplyTarget, opcode: Opcode, map: ValueMap, content?: ContentKind): Promise<void> {
    return this.#answer(target, () => {
      const headers = headersFor(opcode, {
        agent: this.agent,
        ...(content === undefined ? {} : { content }),
      });
      return [{ headers, ...mapContent(map, target.form) }];
    });
  }

  /** One or more messages, all but the last marked `partial`. */
  list(target: ReplyTarget, opcode: Opcode, content: ContentKind, items: ValueList): Promise<void> {
    return this.#answer(target, () => {
      const parts = batches(items);
      return parts.map((part, index) => ({
        headers: headersFor(opcode, { agent: this.agent, content, partial: index < parts.length - 1 }),
        ...listContent(part, target.form),
      }));
    });
  }

  exception(target: ReplyTarget, error: unknown): Promise<void> {
    const { text, code } = exceptionOf(error);
    return this.map(target, '_exception', exceptionToValue(text, code), '_data');
  }

  /** Bytes with nothing but the agent's name, as QMFv1 answers have it (wire document, appendix A). */
  bytes(target: ReplyTarget, bytes: Uint8Array): Promise<void> {
    const headers = new Map<string, Value>([['qmf.agent', this.agent]]);
    return this.#send(target, { headers, body: { form: 'data', bytes } });
  }

  /** What cannot be encoded (a handler's result, an object's values) is answered with an exception instead. */
  #answer(target: ReplyTarget, build: () => readonly AnswerMessage[]): Promise<void> {
    let messages: readonly AnswerMessage[];
    try {
      messages = build();
    } catch (error) {
      const { message } = QmfError.from(error, 'not_encodable');
      const map = exceptionToValue(`The answer cannot be sent: ${message}`, exceptionCodes.exception);
      const headers = headersFor('_exception', { agent: this.agent, content: '_data' });
      messages = [{ headers, ...mapContent(map, target.form) }];
    }
    return Promise.all(messages.map(message => this.#send(target, message))).then(() => undefined);
  }

  #send(target: ReplyTarget, message: AnswerMessage): Promise<void> {
    const { to, correlationId } = target;
    return this.connection
      .send(
        { to, ...(correlationId === undefined ? {} : { correlationId }), ...message },
        { whileAway: 'keep' },
      )
      .catch((error: unknown) => this.onFailure(QmfError.from(error, 'connection_lost'), target));
  }
}

type AnswerMessage = Pick<Envelope, 'headers' | 'body' | 'contentType'>;

/** Requests that make no sense are the caller's fault; everything else went wrong here. */
function exceptionOf(error: unknown): { text: string; code: number } {
  if (error instanceof AgentException) return error;
  if (error instanceof QmfError && (error.code === 'malformed_message' || error.code === 'invalid_query')) {
    return { text: error.message, code: exceptionCodes.invalidParameter };
  }
  const text = error instanceof Error ? error.message : typeof error === 'string' ? error : '';
  return { text: text === '' ? 'the request failed without a reason' : text, code: exceptionCodes.exception };
}
