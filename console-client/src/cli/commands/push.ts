import { type Factory, partOf } from '../../index.js';
import { readText } from '../args/text-file.js';
import { type Context, requestOptions } from '../context.js';
import { notFoundError, usageError } from '../errors.js';
import { exitCodes } from '../exit-codes.js';
import { onlyOne } from '../lookup/agents.js';
import { factoryAt, isFactory } from '../lookup/factory.js';
import { recordAt } from '../lookup/records.js';
import { searchAgents } from '../lookup/search.js';
import { followBuilds, labelled } from './follow-builds.js';

export interface PushOptions {
  /** At least one. */
  readonly provider: readonly string[];
  /** Path, or `-`. */
  readonly credentials: string;
  readonly watch?: boolean;
}

/** Pushes a build of an image to some providers, and follows the pushes to their ends if that is wanted. */
export async function pushCommand(context: Context, given: string, options: PushOptions): Promise<number> {
  const { out } = context;
  const { provider: providers } = options;
  const credentials = await readText(context, '--credentials', options.credentials);
  const { factory, what } = await whatToPush(context, given);
  const pushes = await factory.pushImage({ ...what, providers, credentials }, requestOptions(context));
  try {
    for (const [index, push] of pushes.entries()) {
      if (out.json) {
        const { agentName, agentEpoch } = push.address;
        out.object({
          kind: 'push',
          adaptor: push.name,
          agent: agentName,
          epoch: agentEpoch,
          // A definition may hold passwords.
          provider: shownProvider(providers[index]),
          ...what,
        });
      } else out.line(push.name);
    }
    return options.watch === true
      ? await followBuilds(context, labelled(pushes, providers.map(shownProvider)))
      : exitCodes.ok;
  } finally {
    for (const push of pushes) push.close();
  }
}

function shownProvider(provider = ''): string {
  return /^\s*[<{]/.test(provider) ? 'a provider defined inline' : provider;
}

/**
 * The image, and its build unless the image itself is named: then the agent takes the latest build that was not pushed; and the factory that has
 * it on record, of all there are.
 */
async function whatToPush(
  context: Context,
  given: string,
): Promise<{
  readonly factory: Factory;
  readonly what: { readonly image: string; readonly build?: string };
}> {
  const [uuid] = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.exec(given) ?? [];
  if (uuid === undefined) {
    throw usageError(
      `'${given}' is no uuid and no name of an adaptor`,
      "give what 'build' has printed, or the uuid of an image, a build or a target image",
    );
  }
  const { found, asked, silent } = await searchAgents(context, isFactory, `an image ${uuid}`, agent =>
    recordAt(context, agent, uuid),
  );
  const [first] = found;
  if (first === undefined) {
    throw notFoundError(
      `${[...asked, ...silent.map(name => `${name} (which does not answer)`)].join(', ')}: no image, build or target image ${uuid}`,
      'see what was built with: query BuildAdaptor --columns status,target,image,build',
    );
  }
  const agent = onlyOne(
    found.map(one => one.agent),
    'the push',
  );
  const { build } = partOf(first.result, uuid);
  const what = { image: first.result.id, ...(build === undefined ? {} : { build: build.id }) };
  return { factory: await factoryAt(context, agent), what };
}
