import { randomUUID } from 'node:crypto';
import type { Receiver, Sender, Session } from 'rhea';
import { decodeBareMessage, encodeBareMessage } from '../../../codec/amqp10-message.js';
import { QmfError } from '../../../errors.js';
import { on, type RheaError } from '../../../rhea/events.js';
import { openPairedSender } from '../../../rhea/paired-links.js';
import { textOf } from '../../../value/text.js';
import type { ValueMap } from '../../../value/value.js';
import { peerWords } from '../../dial/peer-words.js';
import { linkError, mayPass } from '../conditions.js';

const NODE = '/management';
/** For whoever has forced the dialect; RabbitMQ 4 itself is never without the node. */
const WRONG_DIALECT = `only RabbitMQ 4 has that: leave out the dialect 'rabbitmq4' (--dialect), or name the broker's own`;
/** More answers than one pair of links is asked for. */
const ANSWERS = 100;
/** How long RabbitMQ's own clients wait, in milliseconds. */
const ANSWER_TIMEOUT = 20_000;

/**
 * A pair of links to RabbitMQ 4's management node, which takes requests that look like HTTP: the method as subject, the path as
 * `to`; the answer's subject is a status.
 */
export class ManagementLinks {
  readonly #session: Session;
  readonly #receiver: Receiver;
  readonly #sender: Promise<Sender>;
  readonly #signal: AbortSignal;
  readonly #requests = new Map<string, Request>();
  /** Why there is nobody to ask. */
  #refused: QmfError | undefined;
  #isClosed = false;

  constructor(session: Session, signal: AbortSignal) {
    this.#session = session;
    this.#signal = signal;
    const terminus = { address: NODE };
    // The broker knows a pair by one name and this property on both; nothing is settled later.
    const both = {
      properties: { paired: true },
      snd_settle_mode: 1 as const,
      source: terminus,
      target: terminus,
    };
    const receiver = session.open_receiver({ ...both, name: `manage.${randomUUID()}`, credit_window: 0 });
    this.#receiver = receiver;
    this.#sender = new Promise(resolve => {
      on(receiver, 'receiver_open', () => {
        // An answer without credit ends the session, so there is nothing to ask with before there is credit.
        receiver.add_credit(ANSWERS);
        const sender = openPairedSender(session, receiver, both);
        on(sender, 'sender_error', () => this.#refuse(sender.error));
        on(sender, 'sender_close', () => this.#refuse(sender.error));
        sender.once('sendable', () => resolve(sender));
      });
    });
    // Without these rhea would take it for an error of the whole connection.
    on(receiver, 'receiver_error', () => this.#refuse(receiver.error));
    on(receiver, 'receiver_close', () => this.#refuse(receiver.error));
    on(receiver, 'message', ({ message }) => {
      if (!Buffer.isBuffer(message)) return; // cannot be: the session delivers bytes
      const { correlationId, subject = '', body } = decodeBareMessage(message);
      const reason = body.form === 'value' ? textOf(body.value) : undefined;
      if (typeof correlationId === 'string') this.#requests.get(correlationId)?.answer(subject, reason ?? '');
    });
  }

  /** @throws QmfError `address_refused`, `not_authorised`, `timeout` or `connection_lost` */
  request(method: 'PUT' | 'POST', path: string, body: ValueMap): Promise<void> {
    if (this.#refused !== undefined) return Promise.reject(this.#refused);
    const messageId = randomUUID();
    const bytes = encodeBareMessage({
      messageId,
      to: path,
      subject: method,
      replyTo: '$me',
      body: { form: 'value', value: body },
    });
    return new Promise<void>((resolve, reject) => {
      const settle = (error?: QmfError): void => {
        clearTimeout(timer);
        this.#signal.removeEventListener('abort', onAbort);
        this.#requests.delete(messageId);
        if (error === undefined) resolve();
        else reject(error);
      };
      const onAbort = (): void => settle(new QmfError('connection_lost', `${method} ${path} was cut short`));
      const timer = setTimeout(
        () => settle(new QmfError('timeout', `${NODE} gave no answer to ${method} ${path}`)),
        ANSWER_TIMEOUT,
      );
      this.#requests.set(messageId, {
        answer: (status, reason) => settle(requestRefused(`${method} ${path}`, status, reason)),
        refuse: settle,
      });
      this.#signal.addEventListener('abort', onAbort, { once: true });
      void this.#sender.then(sender => sender.send(bytes, undefined, 0));
    });
  }

  #refuse(error: RheaError | undefined): void {
    if (this.#isClosed) return;
    this.#refused ??= managementRefused(error);
    for (const { refuse } of [...this.#requests.values()]) refuse(this.#refused);
  }

  close(): void {
    this.#isClosed = true;
    if (!this.#session.is_open()) return; // its links went with it
    this.#receiver.close();
    void this.#sender.then(sender => {
      sender.close();
    });
  }
}

/** A link to the node that was refused, or a session that ended over it. */
export function managementRefused(error: RheaError | undefined): QmfError {
  const { code, message } = linkError(NODE, error);
  if (mayPass(error)) return new QmfError('connection_lost', message);
  return new QmfError(code, code === 'address_refused' ? `${message}; ${WRONG_DIALECT}` : message);
}

interface Request {
  readonly answer: (status: string, reason: string) => void;
  readonly refuse: (error: QmfError) => void;
}

/** What an answer's status says of a request; undefined when it was carried out. */
export function requestRefused(what: string, status: string, reason: string): QmfError | undefined {
  if (/^2\d\d$/.test(status)) return undefined;
  const code = status === '401' || status === '403' ? 'not_authorised' : 'address_refused';
  return new QmfError(code, `${what}: ${status} ${peerWords(reason)}`.trim());
}
