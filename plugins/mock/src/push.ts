import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BuildContext, BuildError, type PushedImage, type PushOrder } from '@imagefactory/plugin-api';
import { walk } from './steps.js';

const form =
  '<provider_credentials><mock_credentials><username>…</username></mock_credentials></provider_credentials>';

/** A push to nowhere. It wants a user's name, as the original's mock did, and calls the image `Mock_<provider>_<uuid>`. */
export async function push(order: PushOrder, context: BuildContext, delay: number): Promise<PushedImage> {
  const { credentials, provider, identifier, image } = order;
  const username = credentials.of('mock')?.['username'] ?? '';
  if (username === '') {
    const given = credentials.kinds.length === 0 ? 'none' : credentials.kinds.join(', ');
    throw new BuildError(
      'credentials_refused',
      credentials.of('mock') === undefined
        ? `the provider ${provider.name} wants mock credentials, ${given} given; give ${form}`
        : `the mock credentials name no user; give ${form}`,
    );
  }
  await walk(context, `pushing the image to ${provider.name}`, [0.25, 0.5, 0.75, 1], delay, () => undefined);
  const path = join(context.scratch, 'mock-provider.yml');
  await copyFile(image.path, path);
  const identifierOnProvider = `Mock_${provider.name}_${identifier}`;
  context.log.info(`pushed to ${provider.name} as ${identifierOnProvider}`);
  return { identifierOnProvider, account: username, record: { path, format: image.format } };
}
