/** Characters of a peer's text that go into an error or a log. */
const WORDS = 240;
/** The same of an address; QMF's own are shorter. */
const NAME = 100;

/**
 * Text that a peer has chosen, on one line and of bounded length. Stack traces of Erlang, which RabbitMQ sends to whom it throws out, are
 * cut off.
 */
export function peerWords(text: string): string {
  const beforeTrace = text.trim().split(/\r|\n|,?\s*\[\{/, 1)[0] ?? '';
  const plain = beforeTrace.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?');
  const isWhole = beforeTrace.length === text.trim().length && plain.length <= WORDS;
  return isWhole ? plain : `${plain.slice(0, WORDS)}…`;
}

/** An address that a peer may have chosen, for an error or a log. */
export function shownName(name: string): string {
  const plain = name.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?');
  return plain.length <= NAME ? plain : `${plain.slice(0, NAME)}… (${name.length} characters)`;
}
