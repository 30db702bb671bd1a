import { BuildError } from '@imagefactory/plugin-api';
import { ImageError, type ImageStore } from '../../images/index.js';
import { readTemplate } from '../read-template.js';
import { remoteUrls } from '../model.js';
import { hiddenPassword, templateSecrets, urlPassword } from '../secrets.js';
import type { TemplateSource } from './resolve-template.js';

/** The templates of images: of those that are finished, of those in the making, and of those that failed, which can so be tried again. */
export function imageTemplates(images: Pick<ImageStore, 'templateOf'>): TemplateSource {
  return {
    async lookup(uuid) {
      const text = await images.templateOf(uuid).catch((error: unknown) => {
        if (!(error instanceof ImageError)) throw error;
        throw new BuildError('template_unavailable', error.message, { cause: error });
      });
      return text === undefined ? undefined : { text, passwordsRemoved: lacksPasswords(text) };
    },
  };
}

/** Whether a password was hidden in it, as is done before an image is stored. */
function lacksPasswords(text: string): boolean {
  const reading = readTemplate(text, { form: 'build' });
  // A word of TDL may have been hidden with it, such as an <arch> that was the password too.
  if (!reading.valid) return text.includes(hiddenPassword);
  const { template } = reading;
  return [...templateSecrets(template), ...remoteUrls(template).flatMap(urlPassword)].includes(
    hiddenPassword,
  );
}
