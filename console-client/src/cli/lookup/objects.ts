import { type ConsoleAgent, QmfError, type RemoteObject, type RequestOptions } from '@imagefactory/qmf';
import { parseClassName } from '../args/class-name.js';
import type { Context } from '../context.js';
import { requestOptions } from '../context.js';
import { usageError } from '../errors.js';
import { chosenAgents } from './agents.js';
import { classLists, distinctClasses, matchingIds, unknownClassError } from './classes.js';

/** An object that has an address, so that it can be called. */
export type AddressedObject = RemoteObject & { readonly address: NonNullable<RemoteObject['address']> };

/** The objects of a name at one agent, which are one or none. An agent that says "unknown object" has none. */
export async function objectsByName(
  agent: ConsoleAgent,
  objectName: string,
  options: RequestOptions,
): Promise<AddressedObject[]> {
  const address = { agentName: agent.name, objectName, agentEpoch: 0 };
  const objects = await agent.query({ address }, options).catch((error: unknown): RemoteObject[] => {
    if (error instanceof QmfError && error.code === 'agent_exception') return [];
    throw error;
  });
  return objects.filter(isAddressed);
}

function isAddressed(object: RemoteObject): object is AddressedObject {
  return object.address !== undefined;
}

/**
 * The one object that a text names: an object's name, or a class of which there is one object.
 *
 * @throws CliError not_found, or usage when there are several
 */
export async function findObject(context: Context, text: string): Promise<AddressedObject> {
  const options = requestOptions(context);
  const agents = await chosenAgents(context);
  const byName = (await Promise.all(agents.map(agent => objectsByName(agent, text, options)))).flat();
  if (byName.length > 0) return single(byName, text);
  const lists = await classLists(agents, options);
  const name = parseClassName(text);
  const byClass = await Promise.all(
    lists.map(async list => {
      if (list.kind === 'failed') return [];
      const classes = list.kind === 'unlisted' ? [name] : distinctClasses(matchingIds(list.ids, name));
      const objects = await Promise.all(classes.map(wanted => list.agent.query(wanted, options)));
      return objects.flat().filter(isAddressed);
    }),
  );
  const objects = byClass.flat();
  if (objects.length > 0) return single(objects, text);
  throw unknownClassError(`no object and no object of a class '${text}'`, lists);
}

function single(objects: readonly AddressedObject[], text: string): AddressedObject {
  const [first, ...more] = objects;
  if (first !== undefined && more.length === 0) return first;
  const sameName = objects.every(({ address }) => address.objectName === first?.address.objectName);
  const shown = objects
    .slice(0, 10)
    .map(({ agent, address }) => (sameName ? agent.name : address.objectName));
  const rest = objects.length > shown.length ? `, … (${objects.length} in all)` : '';
  throw usageError(
    `'${text}' is ${objects.length} objects: ${shown.join(', ')}${rest}`,
    sameName ? 'choose an agent with --agent, by its instance' : 'name one of them',
  );
}
