/** Words for what Node.js tells of a socket by a code alone. */
const socketProblems: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'it was broken off from the other side',
  EPIPE: 'it was broken off from the other side',
  ENOTFOUND: 'there is no host of that name',
  EAI_AGAIN: 'the name of the host cannot be looked up at present',
  ETIMEDOUT: 'nothing answers',
  EHOSTUNREACH: 'there is no way to that host',
  ENETUNREACH: 'there is no way to the network of that host',
};

/** What became of a socket, if that is what the error tells. The code stays, as something to look for. */
export function socketProblem(error: unknown): string | undefined {
  const code = codeWord(error);
  const text = socketProblems[code];
  return text === undefined ? undefined : `${text} (${code})`;
}

/** What an error says of itself, on one line. */
export function textOf(error: unknown): string {
  const problem = socketProblem(error);
  if (problem !== undefined) return problem;
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
