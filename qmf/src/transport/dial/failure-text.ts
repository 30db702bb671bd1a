/** What an error says of itself, on one line. */
export function textOf(error: unknown): string {
  const text = (error instanceof Error ? error.message : String(error)).trim();
  if (text !== '') return text;
  // Of several addresses tried, Node.js keeps the reasons in a list and says nothing itself.
  const inner = error instanceof AggregateError ? error.errors.map(textOf).join('; ') : '';
  return inner === '' ? 'no reason given' : inner;
}

/** The word with which Node.js and OpenSSL tell errors apart. */
export function codeWord(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : '';
}

const fileProblems: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this user may not read it',
  EISDIR: 'it is a directory',
};

/** Why a file could not be read. */
export function fileProblem(error: unknown): string {
  const code = codeWord(error);
  return fileProblems[code] ?? (code === '' ? textOf(error) : code);
}
