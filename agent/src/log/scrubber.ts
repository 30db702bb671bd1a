const mark = '***';

/**
 * Makes a function that hides `secrets` in a text, as they are and as they look inside JSON, XML, URLs, form data and a quoted
 * word of a shell. A secret of several lines is hidden line by line too. Empty ones are ignored.
 */
export function createScrubber(secrets: readonly string[]): (text: string) => string {
  const words = new Set<string>();
  for (const secret of secrets) {
    for (const piece of [secret, ...secret.split(/[\r\n]+/)]) {
      if (piece === '') continue;
      for (const form of writtenForms(piece)) words.add(form);
    }
  }
  if (words.size === 0) return text => text;
  // Longest first, so that a form which contains another one is hidden whole. One pass, so that a mark is never marked again.
  const alternatives = [...words].sort((a, b) => b.length - a.length).map(escapePattern);
  const pattern = new RegExp(alternatives.join('|'), 'g');
  return text => text.replace(pattern, mark);
}

function writtenForms(secret: string): string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  const url = encodeForUrl(secret);
  const xml = secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return [
    secret,
    json,
    JSON.stringify(json).slice(1, -1),
    url,
    url.replace(/%[0-9A-F]{2}/g, escape => escape.toLowerCase()),
    // What encodeURIComponent leaves, URL userinfo and form data may still escape.
    url.replace(/[!'()*~]/g, letter => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`),
    new URLSearchParams([['', secret]]).toString().slice(1),
    xml,
    xml.replaceAll('>', '&gt;'),
    xml.replaceAll('>', '&gt;').replaceAll('"', '&quot;'),
    xml.replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&apos;'),
    xml.replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;'),
    secret.replaceAll("'", "'\\''"),
    secret.replace(/["$`\\]/g, '\\$&'),
    secret.replace(/[^\w@%+=:,./-]/g, '\\$&'),
  ];
}

function encodeForUrl(text: string): string {
  // Half a surrogate pair has no UTF-8 form and would make encodeURIComponent throw.
  return encodeURIComponent(text.replace(/\p{Cs}/gu, '\uFFFD'));
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
