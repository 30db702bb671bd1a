import { randomUUID } from 'node:crypto';
import { PRODUCT, VENDOR } from '@imagefactory/schema';
import type { Factory } from '../../index.js';
import { type Context, requestOptions } from '../context.js';
import { fileError, usageError } from '../errors.js';
import { exitCodes } from '../exit-codes.js';
import { chosenAgents, onlyOne } from '../lookup/agents.js';
import { readStdin } from './call.js';
import { followBuild } from './follow.js';

export interface BuildOptions {
  readonly target: string;
  readonly imageUuid?: string;
  readonly credentials?: string;
  readonly watch?: boolean;
}

/** Starts a build, and follows it to its end if that is wanted. */
export async function buildCommand(
  context: Context,
  template: string,
  options: BuildOptions,
): Promise<number> {
  const { out } = context;
  const descriptor = isReference(template) ? template : await readText(context, 'the template', template);
  const secCredentials =
    options.credentials === undefined ? '' : await readText(context, '--credentials', options.credentials);
  const factory = await findFactory(context);
  const imageUuid = options.imageUuid ?? randomUUID();
  const build = await factory.buildImage(
    { descriptor, target: options.target, imageUuid, secCredentials },
    requestOptions(context),
  );
  try {
    if (out.json) {
      const { agentName, agentEpoch } = build.address;
      out.object({
        kind: 'build',
        adaptor: build.name,
        agent: agentName,
        epoch: agentEpoch,
        target: options.target,
        image_uuid: imageUuid,
      });
    } else out.line(build.name);
    return options.watch === true ? await followBuild(context, build) : exitCodes.ok;
  } finally {
    build.close();
  }
}

/** Whether the agent is to find the template: by URL, or by the uuid of a stored one or of an image. */
function isReference(template: string): boolean {
  return /^https?:\/\//i.test(template) || /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(template);
}

/** The factory of the agent that was chosen, or of the only one there is. */
async function findFactory(context: Context): Promise<Factory> {
  const agents = await chosenAgents(
    context,
    ({ info }) => info.vendor === VENDOR && info.product === PRODUCT,
  );
  const { instance } = onlyOne(agents, 'the build').info;
  const { console } = await context.bus();
  return console.findFactory({ instance, timeout: context.settings.timeout, signal: context.signal });
}

async function readText(context: Context, what: string, path: string): Promise<string> {
  const bytes = path === '-' ? await readStdin(context) : await readFileOf(context, what, path);
  const text = bytes.toString('utf8');
  if (!Buffer.from(text, 'utf8').equals(bytes)) throw usageError(`${what}: ${path} is no UTF-8 text`);
  return text;
}

async function readFileOf({ io }: Context, what: string, path: string): Promise<Buffer> {
  try {
    return await io.readFile(path);
  } catch (error) {
    throw fileError(what, path, error);
  }
}
