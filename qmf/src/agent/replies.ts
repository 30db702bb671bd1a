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

  map(target: ReplyTarget, opcode: Opcode, map: ValueMap, content?: ContentKind): void {
    this.#send(target, {
      headers: headersFor(opcode, { agent: this.agent, ...(content === undefined ? {} : { content }) }),
      ...mapContent(map, target.form),
    });
  }

  /** One or more messages, all but the last marked `partial`. */
  list(target: ReplyTarget, opcode: Opcode, content: ContentKind, items: ValueList): void {
    const parts = batches(items);
    parts.forEach((part, index) => {
      this.#send(target, {
        headers: headersFor(opcode, { agent: this.agent, content, partial: index < parts.length - 1 }),
        ...listContent(part, target.form),
      });
    });
  }

  exception(target: ReplyTarget, error: unknown): void {
    const { text, code } = exceptionOf(error);
    this.map(target, '_exception', exceptionToValue(text, code), '_data');
  }

  /** Bytes with nothing but the agent's name, as QMFv1 answers have it (wire document, appendix A). */
  bytes(target: ReplyTarget, bytes: Uint8Array): void {
    this.#send(target, {
      headers: new Map<string, Value>([['qmf.agent', this.agent]]),
      body: { form: 'data', bytes },
    });
  }

  #send(target: ReplyTarget, message: Pick<Envelope, 'headers' | 'body' | 'contentType'>): void {
    const { to, correlationId } = target;
    this.connection
      .send(
        { to, ...(correlationId === undefined ? {} : { correlationId }), ...message },
        { whileAway: 'keep' },
      )
      .catch((error: unknown) => this.onFailure(QmfError.from(error, 'connection_lost'), target));
  }
}

function exceptionOf(error: unknown): { text: string; code: number } {
  if (error instanceof AgentException) return error;
  if (error instanceof QmfError) return { text: error.message, code: exceptionCodes.invalidParameter };
  const text = error instanceof Error ? error.message : String(error);
  return { text: text === '' ? 'the request failed without a reason' : text, code: exceptionCodes.exception };
}
