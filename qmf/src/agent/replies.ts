import type { BusConnection } from '../connection/bus-connection.js';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { QmfError, type QmfErrorCode } from '../errors.js';
import { formOf, listContent, mapContent } from '../message/content.js';
import { type Address, addressToText, type BodyForm, type Envelope } from '../message/envelope.js';
import { AgentException, exceptionCodes, exceptionToValue } from '../message/exception.js';
import { type ContentKind, headersFor, type Opcode } from '../message/headers.js';
import { shownText } from '../value/text-limits.js';
import type { MessageId } from '../codec/amqp10-message.js';
import type { Value, ValueList, ValueMap } from '../value/value.js';
import { batches } from './batches.js';
import { callerOf } from './caller.js';
import type { Losses } from './losses.js';
import type { Quota } from './shares.js';
import type { UnderWay } from './under-way.js';

/** Where and how one request is answered. */
export interface ReplyTarget {
  readonly to: Address;
  readonly correlationId: MessageId | undefined;
  readonly form: BodyForm;
  /** Whose share it comes out of, see `Caller.key`. */
  readonly caller: string;
}

export function replyTargetOf(envelope: Envelope, replyTo: Address, otherwise: BodyForm): ReplyTarget {
  return {
    to: replyTo,
    correlationId: envelope.correlationId,
    form: formOf(envelope.body, otherwise),
    caller: callerOf(envelope).key,
  };
}

/** Parts of one long answer that are under way at a time: about a megabyte. */
const PARTS_UNDER_WAY = 8;

/** Sends answers: in the form of the request, with its correlation id, in the order they were given. */
export class Replies {
  readonly #underWay: UnderWay;

  /**
   * @param answers bounds long answers
   * @param underWay counts what the broker has not taken yet
   */
  constructor(
    private readonly connection: BusConnection,
    private readonly agent: () => string,
    private readonly losses: Losses,
    private readonly answers: Quota,
    underWay: UnderWay,
  ) {
    this.#underWay = underWay;
  }

  /** The result settles when the answer was sent or lost; it never rejects. */
  map(target: ReplyTarget, opcode: Opcode, map: ValueMap, content?: ContentKind): Promise<void> {
    const built = this.#build(target, () => {
      const headers = headersFor(opcode, {
        agent: this.agent(),
        ...(content === undefined ? {} : { content }),
      });
      return { headers, ...mapContent(map, target.form) };
    });
    return this.#send(target, built.message).then(() => undefined);
  }

  /**
   * One or more messages, all but the last marked `partial`. Of a long answer only some parts are made and under way at a time, so
   * that a console or broker that takes nothing costs little memory; the rest follows as they are taken.
   *
   * @throws AgentException with the code `busy` when too many bytes of answers wait for the broker, of this caller or of all
   */
  async list(target: ReplyTarget, opcode: Opcode, content: ContentKind, items: ValueList): Promise<void> {
    const { parts, bytes } = await batches(items);
    const giveBack = this.answers.take(target.caller, bytes);
    try {
      await this.#sendParts(target, parts.length, index => ({
        headers: headersFor(opcode, { agent: this.agent(), content, partial: index < parts.length - 1 }),
        ...listContent(parts[index] ?? [], target.form),
      }));
    } finally {
      giveBack();
    }
  }

  /** Ends with the first part that cannot be encoded or sent: the others are of no use without it. */
  async #sendParts(
    target: ReplyTarget,
    count: number,
    build: (index: number) => AnswerMessage,
  ): Promise<void> {
    const underWay = new Set<Promise<boolean>>();
    const state = { isWhole: true };
    for (let index = 0; index < count && state.isWhole; index++) {
      const { message, isAnswer } = this.#build(target, () => build(index));
      state.isWhole = isAnswer;
      const sending: Promise<boolean> = this.#send(target, message).then(wasSent => {
        state.isWhole &&= wasSent;
        return underWay.delete(sending);
      });
      underWay.add(sending);
      if (index + 1 < count) await nextTurn(); // encoding a part takes milliseconds
      if (underWay.size >= PARTS_UNDER_WAY) await Promise.race(underWay);
    }
    await Promise.all(underWay);
  }

  exception(target: ReplyTarget, error: unknown): Promise<void> {
    const { text, code } = exceptionOf(error);
    return this.map(target, '_exception', exceptionToValue(text, code), '_data');
  }

  /** Bytes with nothing but the agent's name, as QMFv1 answers have it (wire document, appendix A). */
  bytes(target: ReplyTarget, bytes: Uint8Array): Promise<void> {
    const headers = new Map<string, Value>([['qmf.agent', this.agent()]]);
    return this.#send(target, { headers, body: { form: 'data', bytes } }).then(() => undefined);
  }

  /** What cannot be encoded (a handler's result, an object's values) is answered with an exception instead. */
  #build(target: ReplyTarget, build: () => AnswerMessage): { message: AnswerMessage; isAnswer: boolean } {
    try {
      return { message: build(), isAnswer: true };
    } catch (error) {
      return { message: this.#unsendable(target, error), isAnswer: false };
    }
  }

  /** What the caller gets in place of an answer that cannot be sent. */
  #unsendable(target: ReplyTarget, error: unknown): AnswerMessage {
    const { message } = QmfError.from(error, 'not_encodable');
    const map = exceptionToValue(`The answer cannot be sent: ${message}`, exceptionCodes.exception);
    const headers = headersFor('_exception', { agent: this.agent(), content: '_data' });
    return { headers, ...mapContent(map, target.form) };
  }

  /** Tells whether the broker took it. In place of one that it will never take, because it is too large, goes an exception, once. */
  async #send(target: ReplyTarget, message: AnswerMessage): Promise<boolean> {
    const outcome = await this.#deliver(target, message);
    if (outcome === 'sent') return true;
    if (outcome instanceof QmfError) await this.#deliver(target, this.#unsendable(target, outcome));
    return false;
  }

  /** The error where the broker has refused the message itself. */
  #deliver(target: ReplyTarget, message: AnswerMessage): Promise<'sent' | 'lost' | QmfError> {
    const { to, correlationId } = target;
    const { headers, contentType, body } = message;
    const envelope = { to, correlationId, headers, contentType, body };
    return this.#underWay.track<unknown, 'sent' | 'lost' | QmfError>(
      this.connection.send(envelope, { whileAway: 'keep', importance: 'lasting' }),
      () => 'sent',
      (error: unknown) => {
        this.losses.count('answer', `an answer to ${shownText(addressToText(to))}`, error);
        return error instanceof QmfError && error.code === 'message_rejected' ? error : 'lost';
      },
    );
  }
}

type AnswerMessage = Pick<Envelope, 'headers' | 'body' | 'contentType'>;

const callersFaults: ReadonlySet<QmfErrorCode> = new Set([
  'malformed_message',
  'invalid_query',
  'query_too_costly',
]);

/** Requests that make no sense are the caller's fault; everything else went wrong here. */
function exceptionOf(error: unknown): { text: string; code: number } {
  if (error instanceof AgentException) return error;
  if (error instanceof QmfError && callersFaults.has(error.code)) {
    return { text: error.message, code: exceptionCodes.invalidParameter };
  }
  const text = error instanceof Error ? error.message : typeof error === 'string' ? error : '';
  return { text: text === '' ? 'the request failed without a reason' : text, code: exceptionCodes.exception };
}
