import { readText } from '../args/text-file.js';
import { type Context, requestOptions } from '../context.js';
import { exitCodes } from '../exit-codes.js';
import { factoryWith } from '../lookup/records.js';

export interface ImportOptions {
  readonly target: string;
  readonly provider: string;
  readonly image?: string;
  readonly build?: string;
  /** Path, or `-`. */
  readonly description?: string;
}

/** Has the agent note an image that a provider has already, and shows the uuids that it has given it. */
export async function importCommand(
  context: Context,
  targetIdentifier: string,
  { description, ...place }: ImportOptions,
): Promise<number> {
  const { out } = context;
  const imageDesc = description === undefined ? '' : await readText(context, '--description', description);
  const factory = await factoryWith(context, 'the import', [place.image, place.build]);
  const { image, build, targetImage, providerImage } = await factory.importImage(
    { ...place, targetIdentifier, imageDesc },
    requestOptions(context),
  );
  const uuids = { image, build, target_image: targetImage, provider_image: providerImage };
  if (out.json) out.object({ kind: 'import', agent: factory.agent.name, ...uuids });
  else
    for (const [name, uuid] of Object.entries(uuids))
      out.line(name.padEnd('provider_image'.length), '  ', uuid);
  return exitCodes.ok;
}
