import type { Template } from '@imagefactory/plugin-api';

/** Every password in a template: root's, and those in URLs, in the forms in which they may turn up. */
export function templateSecrets(template: Template): readonly string[] {
  const { os, repositories } = template;
  const urls = repositories.map(({ url }) => url);
  if (os !== undefined) urls.push(os.install.type === 'url' ? os.install.url : os.install.iso);
  return [
    ...(os?.rootPassword === undefined ? [] : [os.rootPassword, os.rootPassword.trim()]),
    ...urls.flatMap(urlPassword),
  ].filter(secret => secret !== '');
}

/** As it stands in the URL, and decoded. */
function urlPassword(text: string): readonly string[] {
  if (!URL.canParse(text)) return [];
  const written = /^[a-z]+:\/\/[^/?#@]*?:([^/?#]*)@/i.exec(text)?.[1] ?? '';
  const { password } = new URL(text);
  return [written, password, decoded(password)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * The text of a valid template for people's eyes: what stands in `<rootpw>` is `***`, and so is every other place where one of
 * the template's passwords stands.
 *
 * @param mask hides the template's secrets in a text
 */
export function publicDescriptor(text: string, mask: (text: string) => string): string {
  // Comments and CDATA sections come first, so that a tag inside them is not taken for one.
  const aside = '<!--[\\s\\S]*?-->|<!\\[CDATA\\[[\\s\\S]*?\\]\\]>';
  const password = new RegExp(`${aside}|(<rootpw\\s*>)(?:${aside}|[^<]+)*(</rootpw\\s*>)`, 'g');
  const withoutPassword = text.replace(password, (found: string, open?: string, close?: string) =>
    open === undefined || close === undefined ? found : `${open}***${close}`,
  );
  return mask(withoutPassword);
}
