import type { Mask, Template, TemplateInstall } from '@imagefactory/plugin-api';

/** Every password in a template: root's, the product key, and those in URLs, in the forms in which they may turn up. */
export function templateSecrets({
  os,
  repositories,
}: Pick<Template, 'os' | 'repositories'>): readonly string[] {
  const { rootPassword = '', productKey = '' } = os ?? {};
  const urls = [...repositories.map(({ url }) => url), ...installUrls(os?.install)];
  return [rootPassword, rootPassword.trim(), productKey, ...urls.flatMap(urlPassword)].filter(
    secret => secret !== '',
  );
}

function installUrls(install: TemplateInstall | undefined): readonly string[] {
  if (install === undefined) return [];
  if (install.type === 'url') return [install.url];
  const { iso, checksum, extras = [] } = install;
  return [iso, ...(checksum === undefined ? [] : [checksum.url]), ...extras.map(({ source }) => source)];
}

/** What stands in the place of a password in texts for people. */
export const hiddenPassword = '***';

/** The password in a URL, as it stands there, and decoded. */
export function urlPassword(given: string): readonly string[] {
  // A repository may also be a line as in sources.list(5), with its URL somewhere in it.
  const text = /\b[a-z]+:\/\/\S+/i.exec(given)?.[0] ?? '';
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
 * The text of a valid template for people's eyes: what stands in `<rootpw>` and `<key>` is `***`, and so are the passwords in
 * URLs, and every other place where one of the template's passwords stands. Markup stays as it is: a password `root` must not make
 * something else of `<rootpw>`.
 *
 * @param mask hides the template's secrets in a text
 */
export function publicDescriptor(text: string, mask: Mask): string {
  // Comments and CDATA sections come first, so that a tag inside them is not taken for one.
  const aside = '<!--[\\s\\S]*?-->|<!\\[CDATA\\[[\\s\\S]*?\\]\\]>';
  const password = new RegExp(
    `${aside}|(<(?:rootpw|key)\\s*>)[^<]*(?:(?:${aside})[^<]*)*(</(?:rootpw|key)\\s*>)`,
    'g',
  );
  const withoutPassword = text.replace(password, (found: string, open?: string, close?: string) =>
    open === undefined || close === undefined ? found : `${open}***${close}`,
  );
  return withoutPassword.replace(pieces, (piece: string) =>
    hideInPiece(piece, text => mask.part(maskUrls(text))),
  );
}

/** Comments, CDATA sections, declarations, tags, and the text between them. */
const pieces = /<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>|<\?[\s\S]*?\?>|<(?:"[^"]*"|'[^']*'|[^'">])*>|[^<]+/g;

/** Values of attributes that are anybody's words; the others are of a few words that TDL has. */
const freeAttribute = /(\s(?:name|source|destination)\s*=\s*)("[^"]*"|'[^']*')/g;

function hideInPiece(piece: string, hide: (text: string) => string): string {
  if (!piece.startsWith('<')) return hide(piece);
  for (const [start, end] of [
    ['<!--', '-->'],
    ['<![CDATA[', ']]>'],
  ] as const) {
    if (piece.startsWith(start)) return `${start}${hide(piece.slice(start.length, -end.length))}${end}`;
  }
  if (piece.startsWith('<?')) return piece;
  return piece.replace(freeAttribute, (_found, before: string, value: string) => {
    const quote = value.slice(0, 1);
    return `${before}${quote}${hide(value.slice(1, -1))}${quote}`;
  });
}

/** A text with `***` for every password in a URL; it reaches to the last `@`, also where a `/` stands before that. */
export function maskUrls(text: string): string {
  // Looking for the beginning of a URL at every word takes twenty times as long.
  if (!text.includes('://')) return text;
  return text.replace(/(\b[a-z][a-z\d+.-]{1,20}:\/\/[^/?#@\s<>"':]{0,200}:)[^\s<>]{1,2000}(?=@)/gi, '$1***');
}
