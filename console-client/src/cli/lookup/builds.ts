import type { ConsoleAgent } from '@imagefactory/qmf';
import {
  ADAPTOR_PREFIX,
  ADAPTOR_PREFIX_2012,
  BuildAdaptorOnBus,
  ImageFactory2012,
} from '@imagefactory/schema';
import type { Build } from '../../index.js';
import { type Context, requestOptions } from '../context.js';
import { notFoundError, usageError } from '../errors.js';
import { onlyOne } from './agents.js';
import { factoryAt, isFactory } from './factory.js';
import { objectsByName } from './objects.js';
import { searchAgents } from './search.js';

/**
 * The build that a user names: by its adaptor, or by the uuid alone. Where no agent that answers knows it, the search goes on to the end of the
 * timeout: its agent may be starting again.
 *
 * @throws CliError not_found that says who was asked and who is silent, or usage when several agents have it
 */
export async function findBuild(context: Context, given: string): Promise<Build> {
  const names = namesOf(given);
  const { found, asked, silent } = await searchAgents(context, isFactory, `build '${given}'`, agent =>
    beginning.test(given) ? nameThatBegins(context, agent, given) : nameAt(context, agent, names),
  );
  const [first] = found;
  if (first !== undefined) {
    const owner = onlyOne(
      found.map(({ agent }) => agent),
      first.result,
    );
    const factory = await factoryAt(context, owner);
    return await factory.build(first.result, requestOptions(context));
  }
  const missing = silent.length === 0 ? '' : `; these are on the bus and do not answer: ${silent.join(', ')}`;
  throw notFoundError(
    `no agent knows a build '${given}' (any more): ${asked.join(', ')} ${asked.length === 1 ? 'was' : 'were'} asked${missing}`,
    'see those that are known with: query BuildAdaptor --columns status,target',
  );
}

/** How a uuid begins, and no more of it. */
const beginning = /^[0-9a-f][0-9a-f-]{3,34}$/;
/** Every adaptor's name ends with one. */
const UUID_LENGTH = 36;

/** @throws CliError usage when several uuids begin so */
async function nameThatBegins(
  context: Context,
  agent: ConsoleAgent,
  given: string,
): Promise<string | undefined> {
  const { packageName, className } = BuildAdaptorOnBus.schema.id;
  const found = await agent.addresses({ packageName, className }, requestOptions(context));
  const names = found
    .flatMap(({ address }) => (address === undefined ? [] : [address.objectName]))
    .filter(name => name.slice(-UUID_LENGTH).startsWith(given));
  if (names.length > 1)
    throw usageError(`${names.length} builds begin with '${given}': ${names.join(', ')}`, 'give more of it');
  return names[0];
}

/** The name by which an agent knows it. */
async function nameAt(
  context: Context,
  agent: ConsoleAgent,
  names: readonly string[],
): Promise<string | undefined> {
  const found = await Promise.all(names.map(name => objectsByName(agent, name, requestOptions(context))));
  return names.find((_, index) => (found[index]?.length ?? 0) > 0);
}

function namesOf(given: string): string[] {
  if ([ADAPTOR_PREFIX, ADAPTOR_PREFIX_2012].some(prefix => given.startsWith(prefix))) return [given];
  const methods = Object.keys(ImageFactory2012.methods);
  return [`${ADAPTOR_PREFIX}${given}`, ...methods.map(method => `${ADAPTOR_PREFIX_2012}${method}:${given}`)];
}
