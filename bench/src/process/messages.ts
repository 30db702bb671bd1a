/** What the bench and its processes say to each other over Node's own channel. */
export interface Command {
  readonly id: number;
  readonly method: string;
  readonly argument: unknown;
}

export type Answer =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string };

export function isCommand(message: unknown): message is Command {
  return typeof message === 'object' && message !== null && 'id' in message && 'method' in message;
}

export function isAnswer(message: unknown): message is Answer {
  return (
    typeof message === 'object' &&
    message !== null &&
    'id' in message &&
    ('result' in message || 'error' in message)
  );
}
