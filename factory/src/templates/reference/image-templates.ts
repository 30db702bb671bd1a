import { BuildError } from '@imagefactory/plugin-api';
import { ImageError, type ImageStore } from '../../images/index.js';
import { lacksPasswords } from './lacks-passwords.js';
import type { TemplateSource } from './resolve-template.js';

/** The templates of images: of those that are finished, of those in the making, and of those that failed, which can so be tried again. */
export function imageTemplates(images: Pick<ImageStore, 'templateOf'>): TemplateSource {
  return {
    async lookup(uuid, options) {
      const text = await images.templateOf(uuid).catch((error: unknown) => {
        if (!(error instanceof ImageError)) throw error;
        throw new BuildError('template_unavailable', error.message, { cause: error });
      });
      return text === undefined
        ? undefined
        : { text, passwordsRemoved: await lacksPasswords(text, options), ofImage: true };
    },
  };
}
