import { BuildError } from '@imagefactory/plugin-api';
import {
  lacksPasswords,
  type LookupOptions,
  type StoredTemplate,
  type TemplateSource,
} from '../templates/index.js';
import { type Repository, textOf } from './repository.js';
import { WarehouseError } from './warehouse-error.js';

/** The templates that a repository keeps, by their own uuids and by those of target images that were made from them. */
export function repositoryTemplates(repository: Repository): TemplateSource {
  return {
    async lookup(uuid, options) {
      try {
        const own = await bodyOf(repository, uuid, options);
        if (own !== undefined) return own;
        const id = (await repository.get('target_image', uuid, options))?.attributes.template;
        const made = id === undefined ? undefined : await bodyOf(repository, id, options);
        return made === undefined ? undefined : { ...made, ofImage: true };
      } catch (error) {
        if (options.signal?.aborted === true) {
          const message = 'the warehouse did not give the template in time; try again later';
          throw new BuildError('template_unavailable', message, { cause: error });
        }
        if (!(error instanceof WarehouseError)) throw error;
        throw new BuildError('template_unavailable', error.message, { cause: error });
      }
    },
  };
}

async function bodyOf(
  repository: Repository,
  id: string,
  options: LookupOptions,
): Promise<StoredTemplate | undefined> {
  const body = await repository.body('template', id, options);
  if (body === undefined) return undefined;
  const text = await textOf(body);
  // Agents store templates without passwords; others may have stored theirs whole.
  return { text, passwordsRemoved: await lacksPasswords(text, options) };
}
