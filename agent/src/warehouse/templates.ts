import { BuildError } from '@imagefactory/plugin-api';
import type { TemplateSource } from '../templates/index.js';
import { type Repository, textOf } from './repository.js';
import { WarehouseError } from './warehouse-error.js';

/** The templates that a repository keeps, by uuid. */
export function repositoryTemplates(repository: Repository): TemplateSource {
  return {
    async lookup(uuid) {
      try {
        const body = await repository.body('template', uuid);
        return body === undefined ? undefined : { text: await textOf(body), passwordsRemoved: false };
      } catch (error) {
        if (!(error instanceof WarehouseError)) throw error;
        throw new BuildError('template_unavailable', error.message, { cause: error });
      }
    },
  };
}
