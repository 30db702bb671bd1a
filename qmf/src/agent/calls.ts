import { wait } from '../connection/signals.js';
import { messageSize } from '../connection/message-size.js';
import { QmfError } from '../errors.js';
import { readMapBody } from '../message/content.js';
import type { Envelope } from '../message/envelope.js';
import { AgentException, exceptionCodes } from '../message/exception.js';
import { type MethodRequest, methodRequestFromValue, methodResponseToValue } from '../message/method.js';
import { shownText } from '../value/text-limits.js';
import type { ValueMap } from '../value/value.js';
import { callerOf } from './caller.js';
import type { MethodCall, ObjectStore, WireHandler } from './object-store.js';
import type { ReplyTarget } from './replies.js';
import { refuseWhileStopping, type RequestContext } from './request-context.js';

/** Something that a method does once its answer is out. */
interface FollowUp {
  readonly method: string;
  readonly action: () => void;
}

/** Carries out a method call when it is its caller's turn, and answers it. Never rejects. */
export function answerMethod(envelope: Envelope, target: ReplyTarget, context: RequestContext): void {
  const { settings, replies } = context;
  const followUps: FollowUp[] = [];
  const running = settings.shares.calls.run(target.caller, messageSize(envelope), () =>
    carryOut(envelope, followUp => followUps.push(followUp), context),
  );
  void context.calls.track(outcomeOf(running), async outcome => {
    const sent = outcome.ok
      ? replies.map(target, '_method_response', methodResponseToValue(outcome.outputs))
      : replies.exception(target, outcome.error);
    if (followUps.length === 0) return;
    // Answers and events take different links, so only the broker's word tells that the answer is before them.
    await settledWithin(sent, AFTER_REPLY_PATIENCE, context.signal);
    for (const { method, action } of followUps) {
      try {
        action();
      } catch (error) {
        const { message } = QmfError.from(error, 'invalid_argument');
        settings.log.warn(`after answering ${shownText(method)}: ${message}`);
      }
    }
  });
}

async function carryOut(
  envelope: Envelope,
  follow: (followUp: FollowUp) => void,
  context: RequestContext,
): Promise<ValueMap> {
  // The agent may have begun to stop while the call was waiting.
  refuseWhileStopping(context);
  const { store, settings, signal } = context;
  if (signal.aborted) throw new QmfError('closed', 'the agent was closed before the call had its turn');
  const request = methodRequestFromValue(readMapBody(envelope));
  const { method, objectId } = request;
  if (objectId === undefined) {
    throw new AgentException(
      `${shownText(method)}: this agent has no methods of its own; call it on an object, with _object_id`,
      exceptionCodes.notImplemented,
    );
  }
  const address = store.find(objectId)?.address ?? objectId;
  const call: MethodCall = {
    address,
    method,
    caller: callerOf(envelope),
    signal,
    afterReply: action => follow({ method, action }),
  };
  return await settings.gate(call, async () => handlerOf(request, store)(request.arguments, call));
}

/** A broker that is away, or a caller that takes nothing, must not hold up what the call has started. */
const AFTER_REPLY_PATIENCE = 2_000;

function settledWithin(done: Promise<void>, timeout: number, signal: AbortSignal): Promise<void> {
  const limited = wait<undefined>('sending an answer', { timeout, signal }, resolve => {
    void done.then(() => resolve(undefined));
    return () => undefined;
  });
  return limited.catch(() => undefined);
}

type Outcome =
  | { readonly ok: true; readonly outputs: ValueMap }
  | { readonly ok: false; readonly error: unknown };

async function outcomeOf(running: Promise<ValueMap>): Promise<Outcome> {
  try {
    return { ok: true, outputs: await running };
  } catch (error) {
    return { ok: false, error };
  }
}

/** @throws AgentException for an object or method that is not there */
function handlerOf({ objectId, method }: MethodRequest, store: ObjectStore): WireHandler {
  const object = objectId === undefined ? undefined : store.find(objectId);
  if (object === undefined) {
    throw new AgentException(
      `No data object found with the specified address: ${shownText(objectId?.objectName ?? '')}`,
      exceptionCodes.unknownObject,
    );
  }
  const handler = object.handlers.get(method);
  if (handler !== undefined) return handler;
  const known = [...object.handlers.keys()].join(', ');
  throw new AgentException(
    `Unknown method: ${shownText(method)} (${object.schema.id.className} has ${known === '' ? 'no methods' : known})`,
    exceptionCodes.unknownMethod,
  );
}
