import { addressToValue } from '../data/data-address.js';
import { type DataItem, dataItemToValue } from '../data/data-item.js';
import { readListBody, readMapBody } from '../message/content.js';
import type { Envelope } from '../message/envelope.js';
import { AgentException, exceptionCodes } from '../message/exception.js';
import { type QueryRequest, queryFromValue } from '../message/query.js';
import { evaluating } from '../query/evaluate.js';
import { predicateFromValue } from '../query/index.js';
import type { Schema } from '../schema/schema.js';
import { decodeSchemaRequestV1, encodeSchemaResponseV1 } from '../schema/v1.js';
import { schemaIdToValue, schemaToValue } from '../schema/wire.js';
import type { Value } from '../value/value.js';
import type { ReplyTarget } from './replies.js';
import type { RequestContext } from './request-context.js';
import { locateMeter, queryMeter, selecting, selectorOf, unhurried } from './selection.js';

/** An answer that was made. */
export interface Answered {
  /** Settles when the broker has it, or when it was lost. */
  readonly sent: Promise<void>;
}

/**
 * An agent that the predicate does not match stays silent: the request went to everybody (wire document §3.1).
 *
 * @throws QmfError for a wrong or too costly predicate
 */
export async function answerLocate(
  envelope: Envelope,
  target: ReplyTarget,
  context: RequestContext,
): Promise<Answered> {
  const where = readListBody(envelope);
  if (where.length > 0) {
    const meter = locateMeter();
    const matching = evaluating(predicateFromValue(where), context.stableAttributes(), meter);
    if (!(await unhurried(matching, meter, context.signal))) return { sent: Promise.resolve() };
  }
  const values = new Map([['_values', context.allAttributes()]]);
  return { sent: context.replies.map(target, '_agent_locate_response', values) };
}

/**
 * Answers a query by what there is when it begins. Resolves when the answer is complete; sending it is not waited for.
 *
 * @throws QmfError for a wrong or too costly query
 */
export async function answerQuery(
  envelope: Envelope,
  target: ReplyTarget,
  context: RequestContext,
): Promise<Answered> {
  const query = queryFromValue(readMapBody(envelope));
  const { replies, schemas } = context;
  const send = (
    content: '_data' | '_object_id' | '_schema_id' | '_schema',
    items: readonly Value[],
  ): Answered => ({ sent: replies.list(target, '_query_response', content, items) });
  switch (query.what) {
    case 'OBJECT':
      return send('_data', await select(query, dataItemToValue, context));
    case 'OBJECT_ID':
      return send(
        '_object_id',
        await select(
          query,
          ({ address }) => (address === undefined ? null : addressToValue(address)),
          context,
        ),
      );
    case 'SCHEMA_ID':
      return send(
        '_schema_id',
        schemas().map(({ id }) => schemaIdToValue(id)),
      );
    case 'SCHEMA':
      return send('_schema', selectSchemas(query, schemas()).map(schemaToValue));
  }
}

function select(
  query: QueryRequest,
  form: (item: DataItem) => Value,
  { store, signal }: RequestContext,
): Promise<Value[]> {
  const selector = selectorOf(query);
  const meter = queryMeter();
  return unhurried(selecting(selector, store.snapshot(selector), meter, form), meter, signal);
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

/** Without it the Python console shows no objects and no events (§9.14). An unknown class gets no answer, as from C++. */
export function answerSchemaRequestV1(
  envelope: Envelope,
  target: ReplyTarget,
  context: RequestContext,
): Answered {
  const unanswered = { sent: Promise.resolve() };
  if (envelope.body.form !== 'data') return unanswered;
  const request = decodeSchemaRequestV1(envelope.body.bytes);
  const schema = context
    .schemas()
    .find(
      ({ id }) =>
        id.packageName === request.packageName &&
        id.className === request.className &&
        id.hash.equals(request.hash),
    );
  if (schema === undefined) return unanswered;
  return { sent: context.replies.bytes(target, encodeSchemaResponseV1(request.sequence, schema)) };
}
