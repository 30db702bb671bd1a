import { ADAPTOR_PREFIX, PRODUCT, VENDOR } from '@imagefactory/schema';
import { type Context, requestOptions } from '../context.js';
import { notFoundError } from '../errors.js';
import { chosenAgents, onlyOne } from '../lookup/agents.js';
import { objectsByName } from '../lookup/objects.js';
import { followBuild } from './follow.js';

/** Follows a build that somebody started: first how it stands, then its events, to its end. */
export async function watchCommand(context: Context, adaptor: string): Promise<number> {
  const name = adaptor.startsWith(ADAPTOR_PREFIX) ? adaptor : `${ADAPTOR_PREFIX}${adaptor}`;
  const agents = await chosenAgents(
    context,
    ({ info }) => info.vendor === VENDOR && info.product === PRODUCT,
  );
  const found = await Promise.all(agents.map(agent => objectsByName(agent, name, requestOptions(context))));
  const owners = agents.filter((_, index) => (found[index]?.length ?? 0) > 0);
  if (owners.length === 0) {
    throw notFoundError(
      `no agent knows a build ${name} (any more)`,
      'see those that are known with: query BuildAdaptor --columns status,target',
    );
  }
  const { console } = await context.bus();
  const { instance } = onlyOne(owners, name).info;
  const factory = await console.findFactory({
    instance,
    timeout: context.settings.timeout,
    signal: context.signal,
  });
  const build = await factory.build(name, requestOptions(context));
  try {
    return await followBuild(context, build);
  } finally {
    build.close();
  }
}
