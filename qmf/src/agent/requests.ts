import { wait } from '../connection/signals.js';
import { addressToValue } from '../data/data-address.js';
import { dataItemToValue } from '../data/data-item.js';
import { readListBody, readMapBody } from '../message/content.js';
import { QmfError } from '../errors.js';
import type { Envelope } from '../message/envelope.js';
import { AgentException, exceptionCodes } from '../message/exception.js';
import { opcodeOf } from '../message/headers.js';
import { DIRECT_CONSOLE_PREFIX, topicExchange } from '../message/keys.js';
import { type MethodRequest, methodRequestFromValue, methodResponseToValue } from '../message/method.js';
import { type QueryRequest, queryFromValue } from '../message/query.js';
import { subscribeRequestFromValue, subscribeResponseToValue } from '../message/subscribe.js';
import { evaluatePredicate, predicateFromValue } from '../query/index.js';
import { decodeSchemaRequestV1, encodeSchemaResponseV1, isV1Frame, v1Opcode } from '../schema/v1.js';
import type { Schema } from '../schema/schema.js';
import { schemaIdToValue, schemaToValue } from '../schema/wire.js';
import { integerOf, textOf } from '../value/text.js';
import type { ValueMap } from '../value/value.js';
import type { MethodCall, ObjectStore, WireHandler } from './object-store.js';
import { toItem } from './object-store.js';
import type { AgentSettings } from './options.js';
import { type Replies, type ReplyTarget, replyTargetOf } from './replies.js';
import type { Subscriptions } from './subscriptions.js';
import type { UnderWay } from './under-way.js';

/** What answering requests needs of the session. */
export interface RequestContext {
  readonly settings: AgentSettings;
  readonly store: ObjectStore;
  readonly replies: Replies;
  readonly subscriptions: Subscriptions;
  readonly schemas: () => readonly Schema[];
  readonly stableAttributes: () => ValueMap;
  readonly allAttributes: () => ValueMap;
  readonly bodyForm: () => 'value' | 'data';
  readonly signal: AbortSignal;
  /** Calls whose handler has not come to its end. */
  readonly calls: UnderWay;
  /** Why nothing new is begun; `undefined` as long as it is. */
  readonly refusal: () => string | undefined;
}

/**
 * Answers one message from the bus. Never throws: whatever is wrong with the message goes back to its sender as an
 * exception, or to the log where there is nobody to answer.
 */
export function handleRequest(envelope: Envelope, context: RequestContext): void {
  const { settings, replies } = context;
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
    settings.log.warn(
      `a ${opcode ?? 'schema request'} was dropped: its reply-to is not allowed under strict security`,
    );
    return;
  }
  const target = replyTargetOf(envelope, replyTo, context.bodyForm());
  try {
    if (opcode === undefined) answerSchemaRequestV1(envelope, target, context);
    else dispatch(opcode, envelope, target, context);
  } catch (error) {
    void replies.exception(target, error);
  }
}

function guarded(envelope: Envelope, { settings }: RequestContext, action: () => void): void {
  try {
    action();
  } catch (error) {
    const { message } = QmfError.from(error, 'malformed_message');
    settings.log.warn(`a ${opcodeOf(envelope.headers) ?? 'message'} was dropped: ${message}`);
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
      answerLocate(envelope, target, context);
      return;
    case '_query_request':
      answerQuery(queryFromValue(readMapBody(envelope)), target, context);
      return;
    case '_method_request':
      refuseWhileStopping(context);
      answerMethod(envelope, target, context);
      return;
    case '_subscribe_request': {
      refuseWhileStopping(context);
      const granted = context.subscriptions.add(subscribeRequestFromValue(readMapBody(envelope)), target);
      void context.replies.map(target, '_subscribe_response', subscribeResponseToValue(granted));
      context.subscriptions.publish(granted.subscriptionId);
      return;
    }
    case '_subscribe_refresh_indication': {
      const body = readMapBody(envelope);
      const id = textOf(body.get('_subscription_id')) ?? '';
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
        `${opcode.slice(0, 60)}: this agent does not know that request`,
        exceptionCodes.featureNotImplemented,
      );
  }
}

/** Queries are answered to the end: consoles want to know how it ended. */
function refuseWhileStopping({ refusal }: RequestContext): void {
  const text = refusal();
  if (text !== undefined) throw new AgentException(text, exceptionCodes.exception);
}

function cancelSubscription(envelope: Envelope, { subscriptions }: RequestContext): void {
  subscriptions.cancel(textOf(readMapBody(envelope).get('_subscription_id')) ?? '');
}

/** An agent that the predicate does not match stays silent: the request went to everybody (§3.1). */
function answerLocate(envelope: Envelope, target: ReplyTarget, context: RequestContext): void {
  const where = readListBody(envelope);
  if (where.length > 0 && !evaluatePredicate(predicateFromValue(where), context.stableAttributes())) return;
  void context.replies.map(target, '_agent_locate_response', new Map([['_values', context.allAttributes()]]));
}

function answerQuery(
  query: QueryRequest,
  target: ReplyTarget,
  { store, replies, schemas }: RequestContext,
): void {
  switch (query.what) {
    case 'OBJECT':
      void replies.list(
        target,
        '_query_response',
        '_data',
        store.select(query).map(object => dataItemToValue(toItem(object))),
      );
      return;
    case 'OBJECT_ID':
      void replies.list(
        target,
        '_query_response',
        '_object_id',
        store.select(query).map(({ address }) => addressToValue(address)),
      );
      return;
    case 'SCHEMA_ID':
      void replies.list(
        target,
        '_query_response',
        '_schema_id',
        schemas().map(({ id }) => schemaIdToValue(id)),
      );
      return;
    case 'SCHEMA':
      void replies.list(
        target,
        '_query_response',
        '_schema',
        selectSchemas(query, schemas()).map(schemaToValue),
      );
      return;
  }
}

/** By package, class and hash; a request without a hash gets every schema of that class. */
function selectSchemas({ schemaId }: QueryRequest, schemas: readonly Schema[]): Schema[] {
  if (schemaId === undefined) {
    throw new AgentException(
      'Query is Invalid: SCHEMA needs a _schema_id with _package_name, _class_name and _hash',
      exceptionCodes.invalidParameter,
    );
  }
  return schemas.filter(
    ({ id }) =>
      id.packageName === schemaId.packageName &&
      id.className === schemaId.className &&
      (schemaId.hash === undefined || id.hash.equals(schemaId.hash)),
  );
}

function answerMethod(envelope: Envelope, target: ReplyTarget, context: RequestContext): void {
  const { store, replies, settings } = context;
  const request = methodRequestFromValue(readMapBody(envelope));
  const { method, objectId } = request;
  if (objectId === undefined) {
    throw new AgentException(
      `${method.slice(0, 60)}: this agent has no methods of its own; call it on an object, with _object_id`,
      exceptionCodes.notImplemented,
    );
  }
  const afterReply: (() => void)[] = [];
  const call: MethodCall = {
    address: store.find(objectId)?.address ?? objectId,
    method,
    userId: envelope.userId,
    signal: context.signal,
    afterReply: action => afterReply.push(action),
  };
  const proceed = async (): Promise<ValueMap> => handlerOf(request, store)(request.arguments, call);
  const running = runCall(() => settings.gate(call, proceed));
  void context.calls.track(running, async result => {
    const sent = result.ok
      ? replies.map(target, '_method_response', methodResponseToValue(result.outputs))
      : replies.exception(target, result.error);
    if (afterReply.length === 0) return;
    // Answers and events take different links, so only the broker's word tells that the answer is before them.
    await settledWithin(sent, AFTER_REPLY_PATIENCE, context.signal);
    for (const action of afterReply) {
      try {
        action();
      } catch (error) {
        settings.log.warn(`after answering ${method}: ${QmfError.from(error, 'invalid_argument').message}`);
      }
    }
  });
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

type HandlerResult =
  | { readonly ok: true; readonly outputs: ValueMap }
  | { readonly ok: false; readonly error: unknown };

async function runCall(run: () => Promise<ValueMap>): Promise<HandlerResult> {
  try {
    return { ok: true, outputs: await run() };
  } catch (error) {
    return { ok: false, error };
  }
}

/** @throws AgentException for an object or method that is not there */
function handlerOf({ objectId, method }: MethodRequest, store: ObjectStore): WireHandler {
  const object = objectId === undefined ? undefined : store.find(objectId);
  if (object === undefined) {
    throw new AgentException(
      `No data object found with the specified address: ${objectId?.objectName.slice(0, 120) ?? ''}`,
      exceptionCodes.unknownObject,
    );
  }
  const handler = object.handlers.get(method);
  if (handler !== undefined) return handler;
  const known = [...object.handlers.keys()].join(', ');
  throw new AgentException(
    `Unknown method: ${method.slice(0, 60)} (${object.schema.id.className} has ${known === '' ? 'no methods' : known})`,
    exceptionCodes.unknownMethod,
  );
}

/** Without it the Python console shows no objects and no events (§9.14). An unknown class gets no answer, as from C++. */
function answerSchemaRequestV1(envelope: Envelope, target: ReplyTarget, context: RequestContext): void {
  if (envelope.body.form !== 'data') return;
  const request = decodeSchemaRequestV1(envelope.body.bytes);
  const schema = context
    .schemas()
    .find(
      ({ id }) =>
        id.packageName === request.packageName &&
        id.className === request.className &&
        id.hash.equals(request.hash),
    );
  if (schema !== undefined)
    void context.replies.bytes(target, encodeSchemaResponseV1(request.sequence, schema));
}
