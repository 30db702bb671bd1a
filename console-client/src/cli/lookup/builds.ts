import { ADAPTOR_PREFIX, ADAPTOR_PREFIX_2012, ImageFactory2012, PRODUCT, VENDOR } from '@imagefactory/schema';
import type { Build } from '../../index.js';
import { type Context, requestOptions } from '../context.js';
import { notFoundError } from '../errors.js';
import { chosenAgents, onlyOne } from './agents.js';
import { objectsByName } from './objects.js';

/**
 * The build that a user names: by its adaptor, or by the uuid alone.
 *
 * @throws CliError not_found, or usage when several agents have it
 */
export async function findBuild(context: Context, given: string): Promise<Build> {
  const agents = await chosenAgents(
    context,
    ({ info }) => info.vendor === VENDOR && info.product === PRODUCT,
  );
  for (const name of namesOf(given)) {
    const found = await Promise.all(agents.map(agent => objectsByName(agent, name, requestOptions(context))));
    const owners = agents.filter((_, index) => (found[index]?.length ?? 0) > 0);
    if (owners.length === 0) continue;
    const { console } = await context.bus();
    const { instance } = onlyOne(owners, name).info;
    const { timeout } = context.settings;
    const factory = await console.findFactory({ instance, timeout, signal: context.signal });
    return await factory.build(name, requestOptions(context));
  }
  throw notFoundError(
    `no agent knows a build '${given}' (any more)`,
    'see those that are known with: query BuildAdaptor --columns status,target',
  );
}

function namesOf(given: string): string[] {
  if ([ADAPTOR_PREFIX, ADAPTOR_PREFIX_2012].some(prefix => given.startsWith(prefix))) return [given];
  const methods = Object.keys(ImageFactory2012.methods);
  return [`${ADAPTOR_PREFIX}${given}`, ...methods.map(method => `${ADAPTOR_PREFIX_2012}${method}:${given}`)];
}
