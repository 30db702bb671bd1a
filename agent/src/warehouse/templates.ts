import { BuildError } from '@imagefactory/plugin-api';
import { lacksPasswords, type TemplateSource } from '../templates/index.js';
import { type Repository, textOf } from './repository.js';
import { WarehouseError } from './warehouse-error.js';

/** The templates that a repository keeps, by uuid. */
export function repositoryTemplates(repository: Repository): TemplateSource {
  return {
    async lookup(uuid, options) {
      try {
        const body = await repository.body('template', uuid, options);
        if (body === undefined) return undefined;
        const text = await textOf(body);
        // Agents store templates without passwords; others may have stored theirs whole.
        return { text, passwordsRemoved: lacksPasswords(text) };
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
