import { remoteUrls } from '../model.js';
import { readTemplate } from '../read-template.js';
import { hiddenPassword, templateSecrets, urlPassword } from '../secrets.js';

/** Whether a password was hidden in it, as is done before a template is stored. */
export function lacksPasswords(text: string): boolean {
  const reading = readTemplate(text, { form: 'build' });
  // A word of TDL may have been hidden with it, such as an <arch> that was the password too.
  if (!reading.valid) return text.includes(hiddenPassword);
  const { template } = reading;
  return [...templateSecrets(template), ...remoteUrls(template).flatMap(urlPassword)].includes(
    hiddenPassword,
  );
}
