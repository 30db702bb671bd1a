import type { Credentials } from '@imagefactory/plugin-api';
import { ProviderError } from './provider-error.js';
import { elementsIn, smallXml } from './small-xml.js';

export interface ReadCredentials {
  readonly credentials: Credentials;
  /** What in them must not be shown, and the text itself. */
  readonly secrets: readonly string[];
}

const suffix = '_credentials';

/** Fields that say who or where, and are no secrets. */
const openFields = /^(?:user|username|account|account_number|tenant|auth_url|strategy|region)$/i;

/**
 * Reads `<provider_credentials>` with one element for each kind, such as `<mock_credentials>`, which has one for each field.
 *
 * @throws ProviderError for what isn't that; it quotes nothing
 */
export function readCredentials(text: string): ReadCredentials {
  const root = smallXml(text);
  if (root?.tagName !== 'provider_credentials') {
    const what = text.trim() === '' ? 'they are empty' : 'they are no <provider_credentials> in XML';
    throw new ProviderError(
      'credentials',
      `${what}; give <provider_credentials><mock_credentials>…</mock_credentials></provider_credentials>, or the like for another cloud`,
    );
  }
  const kinds = new Map<string, Readonly<Record<string, string>>>();
  const secrets: string[] = [text];
  for (const element of elementsIn(root)) {
    if (!element.tagName.endsWith(suffix)) continue;
    const fields = new Map<string, string>();
    for (const field of elementsIn(element)) {
      const value = (field.textContent ?? '').trim();
      fields.set(field.tagName, value);
      if (!openFields.test(field.tagName)) secrets.push(value);
    }
    kinds.set(element.tagName.slice(0, -suffix.length), Object.fromEntries(fields));
  }
  return {
    credentials: { kinds: [...kinds.keys()], of: kind => kinds.get(kind) },
    secrets: secrets.filter(secret => secret !== ''),
  };
}
