import { type Answer, type Command, isCommand } from './messages.js';

type Method = (argument: unknown) => unknown;

/** Answers the bench's commands in this process until the bench lets go of it. */
export function serve(role: object): void {
  const methods = new Map<string, unknown>(Object.entries(role));
  process.on('message', (message: unknown) => {
    if (isCommand(message)) void answer(methods, message).then(send);
  });
  process.on('disconnect', () => process.exit(0));
  // The terminal's interrupt goes to all processes; the bench ends its own.
  process.on('SIGINT', () => undefined);
}

async function answer(methods: ReadonlyMap<string, unknown>, command: Command): Promise<Answer> {
  const { id, method, argument } = command;
  try {
    const action = methods.get(method);
    if (!isMethod(action)) throw new Error(`no method ${method}`);
    const result: unknown = await action(argument);
    // JSON leaves undefined out, and an answer without a result would be none.
    return { id, result: result ?? null };
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) };
  }
}

function isMethod(value: unknown): value is Method {
  return typeof value === 'function';
}

function send(message: Answer): void {
  process.send?.(message);
}

/** Processor time of this process so far, in milliseconds. */
export function cpuTime(): Promise<number> {
  const { user, system } = process.cpuUsage();
  return Promise.resolve((user + system) / 1_000);
}

/** Resident memory in bytes; processes of the bench run with `--expose-gc`. */
export function residentMemory(): Promise<number> {
  globalThis.gc?.();
  return Promise.resolve(process.memoryUsage.rss());
}
