import { remoteUrls } from '../model.js';
import { type ElsewhereOptions, readElsewhere } from '../read-elsewhere.js';
import { hiddenPassword, templateSecrets, urlPassword } from '../secrets.js';

/**
 * Whether a password was hidden in a template, as is done before one is stored.
 *
 * @throws as {@link readElsewhere}
 */
export async function lacksPasswords(
  text: string,
  options: Pick<ElsewhereOptions, 'signal' | 'caller'> = {},
): Promise<boolean> {
  const reading = await readElsewhere(text, { ...options, form: 'build' });
  // A word of TDL may have been hidden with it, such as an <arch> that was the password too.
  if (!reading.valid) return text.includes(hiddenPassword);
  const { template } = reading;
  return [...templateSecrets(template), ...remoteUrls(template).flatMap(urlPassword)].includes(
    hiddenPassword,
  );
}
