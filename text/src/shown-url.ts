const LONGEST = 200;

/**
 * A URL for messages and logs. Everything between the scheme and the last `@` is masked, also where a user or password holds
 * characters that end an authority (RFC 3986 §3.2), and so is a query, which may hold a token. On one line, at most 200 characters.
 */
export function shownUrl(text: string): string {
  const [, scheme = '', rest = ''] = /^\s*([a-z][a-z0-9+.-]*:\/\/)?([^]*)$/i.exec(text) ?? [];
  const at = rest.lastIndexOf('@');
  const place = rest.slice(at + 1).replace(/\?[^]*$/, '?…');
  const shown = `${scheme}${at < 0 ? '' : '***@'}${place}`
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim();
  return shown.length > LONGEST ? `${shown.slice(0, LONGEST - 1)}…` : shown;
}

/**
 * Whether a URL may hold a user and password that readers of URLs cut short: in `http://me:20/24@host/` they see the host `me`, and send
 * it the rest. The port of `http://host:80/a@b` looks the same, so that both are to be written otherwise: `%2F` in a password, `%40` in a
 * path or query.
 */
export function isLoginCut(url: string): boolean {
  return /^\s*[a-z][a-z0-9+.-]*:\/\/[^/?#]*:[^/?#]*[/?#][^]*@/i.test(url);
}

/**
 * A message that may quote words of a command line, with the user and password masked of every word that is, or ends with, a URL.
 *
 * @param words of the command line, as they were given
 */
export function maskArguments(message: string, words: readonly string[]): string {
  const values = words.flatMap(word => [word, word.slice(word.indexOf('=') + 1)]);
  return values
    .filter(value => /:[^]*@/.test(value))
    .reduce((text, value) => text.replaceAll(value, () => shownUrl(value)), message);
}
