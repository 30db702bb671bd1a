/** A block of PEM text (RFC 7468), written anew from what was read of it. */
export interface PemBlock {
  /** Such as `CERTIFICATE` or `EC PRIVATE KEY`. */
  readonly label: string;
  readonly text: string;
}

/**
 * The blocks of a PEM text, whatever stands before, between and after them: comments, byte order marks, nothing at all. OpenSSL wants each
 * boundary at the beginning of a line of its own and passes over the others without a word, so the blocks and not the text are
 * what is to be used.
 *
 * @returns undefined if a block has no end
 */
export function pemBlocks(text: string): readonly PemBlock[] | undefined {
  const blocks = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----([^]*?)-----END \1-----/g)].map(
    ([, label = '', content = '']) => ({ label, text: written(label, content) }),
  );
  return text.match(/-----BEGIN /g)?.length === blocks.length || blocks.length === 0 ? blocks : undefined;
}

function written(label: string, content: string): string {
  const lines = content.split(/[\r\n]+/).map(line => line.trim());
  // Keys that are encrypted the old way say so in headers (RFC 1421), with an empty line behind them.
  const headers = lines.filter(line => line.includes(':'));
  const base64 = lines
    .filter(line => !line.includes(':'))
    .join('')
    .replace(/\s+/g, '');
  return [
    `-----BEGIN ${label}-----`,
    ...headers,
    ...(headers.length === 0 ? [] : ['']),
    ...(base64.match(/.{1,64}/g) ?? []),
    `-----END ${label}-----`,
    '',
  ].join('\n');
}
