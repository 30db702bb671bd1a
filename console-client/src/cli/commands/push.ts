import { exceptionCodes, QmfError } from '@imagefactory/qmf';
import { type Factory, type ImageRecord, partOf } from '../../index.js';
import { readText } from '../args/text-file.js';
import { type Context, requestOptions } from '../context.js';
import { notFoundError, usageError } from '../errors.js';
import { exitCodes } from '../exit-codes.js';
import { findFactory } from '../lookup/factory.js';
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
  const factory = await findFactory(context, 'the push');
  const what = await whatToPush(context, factory, given);
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

/** The image, and its build unless the image itself is named: then the agent takes the latest build that was not pushed. */
async function whatToPush(
  context: Context,
  factory: Factory,
  given: string,
): Promise<{ readonly image: string; readonly build?: string }> {
  const [uuid] = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.exec(given) ?? [];
  if (uuid === undefined) {
    throw usageError(
      `'${given}' is no uuid and no name of an adaptor`,
      "give what 'build' has printed, or the uuid of an image, a build or a target image",
    );
  }
  const record = await recordOf(context, factory, uuid);
  const { build } = partOf(record, uuid);
  return { image: record.id, ...(build === undefined ? {} : { build: build.id }) };
}

async function recordOf(context: Context, factory: Factory, uuid: string): Promise<ImageRecord> {
  try {
    return await factory.imageRecord(uuid, requestOptions(context));
  } catch (error) {
    if (error instanceof QmfError && error.agentCode === exceptionCodes.unknownObject) {
      throw notFoundError(
        `${factory.agent.name} has no image, build or target image ${uuid}`,
        'see what it is building or has built with: query BuildAdaptor --columns status,target,image,build',
      );
    }
    throw error;
  }
}
