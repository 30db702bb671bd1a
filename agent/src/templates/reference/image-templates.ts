import { BuildError } from '@imagefactory/plugin-api';
import { ImageError, type ImageStore } from '../../images/index.js';
import { readTemplate } from '../read-template.js';
import { remoteUrls } from '../model.js';
import { hiddenPassword, templateSecrets, urlPassword } from '../secrets.js';
import type { TemplateSource } from './resolve-template.js';

/** The templates that images were built from. */
export function imageTemplates(images: Pick<ImageStore, 'get'>): TemplateSource {
  return {
    async lookup(uuid) {
      const image = await images.get(uuid).catch((error: unknown) => {
        if (!(error instanceof ImageError)) throw error;
        throw new BuildError('template_unavailable', error.message, { cause: error });
      });
      if (image === undefined) return undefined;
      return { text: image.template, passwordsRemoved: lacksPasswords(image.template) };
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
