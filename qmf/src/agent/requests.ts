import { messageSize } from '../connection/message-size.js';
import { QmfError } from '../errors.js';
import { readMapBody } from '../message/content.js';
import type { Envelope } from '../message/envelope.js';
import { AgentException, exceptionCodes } from '../message/exception.js';
import { opcodeOf } from '../message/headers.js';
import { DIRECT_CONSOLE_PREFIX, topicExchange } from '../message/keys.js';
import { subscribeRequestFromValue, subscribeResponseToValue } from '../message/subscribe.js';
import { isV1Frame, v1Opcode } from '../schema/v1.js';
import { integerOf } from '../value/text.js';
import { nameOf, shownText } from '../value/text-limits.js';
import { answerMethod } from './calls.js';
import type { AgentSettings } from './options.js';
import { type Answered, answerLocate, answerQuery, answerSchemaRequestV1 } from './queries.js';
import { type ReplyTarget, replyTargetOf } from './replies.js';
import { refuseWhileStopping, type RequestContext } from './request-context.js';

/** Rights at a broker go by keys, so who may look for agents without being allowed to call them would get around that. */
const CALL_TO_ALL =
  'Action Forbidden - methods are called at the own address of an agent (its _direct_subject), not at that of all agents';

/**
 * Answers one message from the bus. Never throws: whatever is wrong with the message goes back to its sender as an
 * exception, or to the log where no address for an answer is given.
 *
 * @param isOurs whether the broker has delivered it by a key of this agent's own, rather than one to which all agents listen
 */
export function handleRequest(envelope: Envelope, isOurs: boolean, context: RequestContext): void {
  const { settings, replies, unreadable } = context;
  const opcode = opcodeOf(envelope.headers);
  if (opcode === undefined && !isV1Request(envelope)) return;
  const { replyTo } = envelope;
  if (replyTo === undefined || replyTo.node === '') {
    if (opcode === '_subscribe_cancel_indication')
      guarded(envelope, context, () => cancelSubscription(envelope, context));
    else settings.log.debug(`a ${opcode ?? 'schema request'} without reply-to was dropped`);
    return;
  }
  if (settings.strictSecurity && !isStrictReplyTo(envelope, settings)) {
    unreadable.drop(`a ${opcode ?? 'schema request'}`, 'its reply-to is not allowed under strict security');
    return;
  }
  const target = replyTargetOf(envelope, replyTo, context.bodyForm());
  try {
    if (opcode === undefined) {
      inTurn(envelope, target, context, () =>
        Promise.resolve(answerSchemaRequestV1(envelope, target, context)),
      );
    } else {
      if (opcode === '_method_request' && !isOurs)
        throw new AgentException(CALL_TO_ALL, exceptionCodes.forbidden);
      dispatch(opcode, envelope, target, context);
    }
  } catch (error) {
    void replies.exception(target, error);
  }
}

function guarded(envelope: Envelope, { unreadable }: RequestContext, action: () => void): void {
  try {
    action();
  } catch (error) {
    const { message } = QmfError.from(error, 'malformed_message');
    unreadable.drop(`a ${opcodeOf(envelope.headers) ?? 'message'}`, message);
  }
}

function isV1Request({ body }: Envelope): boolean {
  return body.form === 'data' && isV1Frame(body.bytes) && v1Opcode(body.bytes) === 'S';
}

/** Under strict security answers go to consoles' own keys only, so that a broker can tell roles apart (§7.1). */
function isStrictReplyTo({ replyTo }: Envelope, { domain, directSubject }: AgentSettings): boolean {
  const { node, subject = '' } = replyTo ?? { node: '' };
  // An agent that looks for others of its name is answered at the address that they share.
  return (
    node === topicExchange(domain) && (subject.startsWith(DIRECT_CONSOLE_PREFIX) || subject === directSubject)
  );
}

function dispatch(opcode: string, envelope: Envelope, target: ReplyTarget, context: RequestContext): void {
  switch (opcode) {
    case '_agent_locate_request':
      inTurn(envelope, target, context, () => answerLocate(envelope, target, context));
      return;
    case '_query_request':
      inTurn(envelope, target, context, () => answerQuery(envelope, target, context));
      return;
    case '_method_request':
      refuseWhileStopping(context);
      answerMethod(envelope, target, context);
      return;
    case '_subscribe_request':
      refuseWhileStopping(context);
      inTurn(envelope, target, context, () => subscribe(envelope, target, context));
      return;
    case '_subscribe_refresh_indication': {
      const body = readMapBody(envelope);
      const id = nameOf(body.get('_subscription_id'), '_subscription_id') ?? '';
      const granted = context.subscriptions.refresh(id, integerOf(body.get('_duration')));
      if (granted !== undefined)
        void context.replies.map(target, '_subscribe_response', subscribeResponseToValue(granted));
      return;
    }
    case '_subscribe_cancel_indication':
      cancelSubscription(envelope, context);
      return;
    default:
      // Answers and indications of others may reach our bindings; only what asks for something is answered.
      if (!opcode.endsWith('_request')) return;
      throw new AgentException(
        `${shownText(opcode)}: this agent does not know that request`,
        exceptionCodes.featureNotImplemented,
      );
  }
}

function cancelSubscription(envelope: Envelope, { subscriptions }: RequestContext): void {
  subscriptions.cancel(nameOf(readMapBody(envelope).get('_subscription_id'), '_subscription_id') ?? '');
}

/** Answers a query when it is its caller's turn; a refusal or an error goes back as an exception. */
function inTurn(
  envelope: Envelope,
  target: ReplyTarget,
  { settings, replies, queries, signal }: RequestContext,
  answer: () => Promise<Answered>,
): void {
  const { queries: share } = settings.shares;
  const work = async (): Promise<void> => {
    try {
      // Its turn ends with the making of the answer.
      const { sent } = await share.run(target.caller, messageSize(envelope), answer);
      await sent;
    } catch (error) {
      if (!signal.aborted) await replies.exception(target, error);
    }
  };
  void queries.track(work(), () => undefined);
}

async function subscribe(
  envelope: Envelope,
  target: ReplyTarget,
  { replies, subscriptions }: RequestContext,
): Promise<Answered> {
  const granted = subscriptions.add(subscribeRequestFromValue(readMapBody(envelope)), target);
  const sent = replies.map(target, '_subscribe_response', subscribeResponseToValue(granted));
  await subscriptions.publish(granted.subscriptionId);
  return { sent };
}
