import { randomUUID } from 'node:crypto';
import type { Build, Factory } from '../../index.js';
import { readText } from '../args/text-file.js';
import { type Context, requestOptions } from '../context.js';
import { usageError } from '../errors.js';
import { exitCodes } from '../exit-codes.js';
import { factoryWith } from '../lookup/records.js';
import { followBuilds, labelled } from './follow-builds.js';

export interface BuildOptions {
  /** At least one. */
  readonly target: readonly string[];
  readonly imageUuid?: string;
  readonly credentials?: string;
  readonly watch?: boolean;
}

/** Starts a build for one target or several, and follows it to its end if that is wanted. */
export async function buildCommand(
  context: Context,
  template: string,
  options: BuildOptions,
): Promise<number> {
  const { out } = context;
  const { target: targets } = options;
  if (targets.length > 1 && options.credentials !== undefined) {
    throw usageError('--credentials goes with one --target', "give them to 'push', which needs them");
  }
  const descriptor = isReference(template) ? template : await readText(context, 'template', template);
  const factory = await factoryWith(context, 'the build', [
    options.imageUuid,
    isUuid(template) ? template : undefined,
  ]);
  const imageUuid = options.imageUuid ?? randomUUID();
  const builds =
    targets.length === 1
      ? [await buildOne(context, factory, { ...options, descriptor, imageUuid })]
      : await factory.buildImages(
          { image: imageUuid, template: descriptor, targets },
          requestOptions(context),
        );
  try {
    for (const [index, build] of builds.entries()) {
      if (out.json) {
        const { agentName, agentEpoch } = build.address;
        out.object({
          kind: 'build',
          adaptor: build.name,
          agent: agentName,
          epoch: agentEpoch,
          target: targets[index],
          image_uuid: imageUuid,
        });
      } else out.line(build.name);
    }
    return options.watch === true ? await followBuilds(context, labelled(builds, targets)) : exitCodes.ok;
  } finally {
    for (const build of builds) build.close();
  }
}

/** In the form of 2011, which consoles and agents of every age have. */
async function buildOne(
  context: Context,
  factory: Factory,
  order: BuildOptions & { readonly descriptor: string; readonly imageUuid: string },
): Promise<Build> {
  const { descriptor, imageUuid, credentials } = order;
  const secCredentials =
    credentials === undefined ? '' : await readText(context, '--credentials', credentials);
  const [target = ''] = order.target;
  return factory.buildImage({ descriptor, target, imageUuid, secCredentials }, requestOptions(context));
}

/** Whether the agent is to find the template: by URL, or by the uuid of a stored one or of an image. */
function isReference(template: string): boolean {
  return /^https?:\/\//i.test(template) || isUuid(template);
}

function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}
