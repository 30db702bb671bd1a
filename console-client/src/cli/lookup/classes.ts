import {
  type ConsoleAgent,
  QmfError,
  type RequestOptions,
  type Schema,
  type SchemaId,
} from '@imagefactory/qmf';
import { type ClassName, describeClass, isClass } from '../args/class-name.js';
import { notFoundError } from '../errors.js';

/**
 * What an agent says of its classes. The broker's own agent cannot list them, but answers queries by class name in any
 * package.
 */
export type ClassList =
  | { readonly kind: 'listed'; readonly agent: ConsoleAgent; readonly ids: readonly SchemaId[] }
  | { readonly kind: 'unlisted'; readonly agent: ConsoleAgent }
  | { readonly kind: 'failed'; readonly agent: ConsoleAgent; readonly error: unknown };

/** Never rejects, unless it was cancelled: an agent that fails must not hide the others. */
export function classLists(agents: readonly ConsoleAgent[], options: RequestOptions): Promise<ClassList[]> {
  return Promise.all(agents.map(agent => classList(agent, options)));
}

async function classList(agent: ConsoleAgent, options: RequestOptions): Promise<ClassList> {
  try {
    return { kind: 'listed', agent, ids: await agent.schemaIds(options) };
  } catch (error) {
    if (error instanceof QmfError && error.code === 'aborted') throw error;
    if (error instanceof QmfError && error.code === 'agent_exception') return { kind: 'unlisted', agent };
    return { kind: 'failed', agent, error };
  }
}

/** Classes of the broker's management schema that are always of interest. */
const brokerClasses = ['broker', 'system', 'vhost', 'queue', 'exchange', 'binding', 'connection', 'session'];

/** Classes that an agent, which does not list them, shows by having objects of them. */
export async function probeClasses(agent: ConsoleAgent, options: RequestOptions): Promise<SchemaId[]> {
  if (agent.info.product !== 'qpidd') return [];
  const objects = await Promise.all(brokerClasses.map(className => agent.query({ className }, options)));
  const ids = new Map<string, SchemaId>();
  for (const { schemaId } of objects.flat()) {
    if (schemaId !== undefined) ids.set(describeClass(schemaId), schemaId);
  }
  return [...ids.values()];
}

/** The classes of an agent that a name stands for; exact spelling wins over another use of capitals. */
export function matchingIds(ids: readonly SchemaId[], name: ClassName): SchemaId[] {
  const exact = ids.filter(id => isClass(id, name, true));
  return exact.length > 0 ? exact : ids.filter(id => isClass(id, name, false));
}

/** Ids without a hash, each package and class once: queries ask for every version of a class. */
export function distinctClasses(ids: readonly SchemaId[]): ClassName[] {
  const distinct = new Map<string, ClassName>();
  for (const { packageName, className } of ids) {
    distinct.set(describeClass({ packageName, className }), { packageName, className });
  }
  return [...distinct.values()];
}

/** Schemas of a class at an agent; where the agent does not list its classes, that of the class's first object. */
export async function schemasOf(
  list: ClassList,
  name: ClassName,
  options: RequestOptions,
): Promise<Schema[]> {
  if (list.kind === 'listed') {
    return Promise.all(matchingIds(list.ids, name).map(id => list.agent.schema(id, options)));
  }
  if (list.kind === 'failed') return [];
  const [object] = await list.agent.query(name, options);
  return object?.schemaId === undefined ? [] : [await list.agent.schema(object.schemaId, options)];
}

/** What to say of a class of events that no agent knows; undefined where one does, or where one cannot say what it knows. */
export function unknownEvents(name: ClassName, lists: readonly ClassList[]): string | undefined {
  const ids = lists.flatMap(list => (list.kind === 'listed' ? list.ids : []));
  const events = ids.filter(({ kind }) => kind === '_event');
  if (events.length === 0 || lists.some(({ kind }) => kind !== 'listed')) return undefined;
  if (matchingIds(events, name).length > 0) return undefined;
  const isOfObjects = matchingIds(ids, name).length > 0;
  const names = [...new Set(events.map(({ className }) => className))].sort();
  return (
    `no agent that is here raises events of the class ${describeClass(name)}${isOfObjects ? ', which is one of objects' : ''}; ` +
    `there are ${names.join(', ')}. Waiting all the same`
  );
}

/** The names of all classes that agents list, for people who misspelt one. */
export function unknownClassError(what: string, lists: readonly ClassList[]): Error {
  const failed = lists.find(list => list.kind === 'failed');
  if (failed !== undefined)
    return failed.error instanceof Error ? failed.error : new Error(String(failed.error));
  const known = lists
    .flatMap(list => (list.kind === 'listed' ? list.ids : []))
    .map(({ className }) => className);
  const names = [...new Set(known)].sort();
  const agents = lists.length === 1 ? (lists[0]?.agent.name ?? '') : `any of ${lists.length} agents`;
  return notFoundError(
    `${what} at ${agents}`,
    names.length === 0 ? "see who is there with 'agents'" : `classes there are: ${names.join(', ')}`,
  );
}
