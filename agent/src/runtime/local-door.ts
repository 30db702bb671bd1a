import { chmod, open, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Factory } from '@imagefactory/factory';
import { errorLine, type Logger } from '@imagefactory/factory/platform';

/** Name of the socket in the directory of the store. */
const socketName = 'agent.sock';
/** Characters of a request. */
const longest = 1024;
/** Milliseconds that a request may take. */
const patience = 60_000;

/** A request to delete an image, as one line of JSON. */
export interface DeletionRequest {
  readonly delete: string;
  readonly withChildren: boolean;
}

/** The answer, as one line of JSON. */
export type DeletionAnswer =
  | { readonly deleted: readonly string[] }
  | { readonly error: { readonly code: string; readonly message: string } };

/**
 * Takes requests of the command `imagefactory image` on a socket in the directory of the store, which only its owner can reach: one process writes the
 * store.
 *
 * @returns a function that ends it
 */
export async function openLocalDoor(
  factory: Pick<Factory, 'directory' | 'deleteImage'>,
  log: Logger,
): Promise<() => Promise<void>> {
  const directory = join(factory.directory, 'store');
  const sockets = new Set<Socket>();
  const server = createServer(socket => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    serve(socket, factory, log);
  });
  await withShortPath(directory, async path => {
    // The lock of the store is ours: a socket that is there is a dead process's.
    await rm(path, { force: true });
    await listen(server, path);
    await chmod(path, 0o600);
  });
  return async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>(resolve => server.close(() => resolve()));
    await rm(join(directory, socketName), { force: true });
  };
}

function serve(socket: Socket, factory: Pick<Factory, 'deleteImage'>, log: Logger): void {
  let length = 0;
  socket.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length > longest) socket.destroy();
  });
  const lines = createInterface({ input: socket });
  lines.once('line', line => {
    void answerTo(line, factory, log).then(answer => socket.end(`${JSON.stringify(answer)}\n`));
  });
}

async function answerTo(
  line: string,
  factory: Pick<Factory, 'deleteImage'>,
  log: Logger,
): Promise<DeletionAnswer> {
  try {
    const request: unknown = JSON.parse(line);
    if (!isRequest(request)) return { error: { code: 'invalid', message: 'the request is no deletion' } };
    const { delete: id, withChildren } = request;
    const deleted = await factory.deleteImage(id, { withChildren });
    log.notice(`images deleted by the command: ${deleted.join(', ')}`);
    return { deleted };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'internal';
    return { error: { code, message: errorLine(error) } };
  }
}

function isRequest(value: unknown): value is DeletionRequest {
  return (
    typeof value === 'object' &&
    value !== null &&
    'delete' in value &&
    typeof value.delete === 'string' &&
    'withChildren' in value &&
    typeof value.withChildren === 'boolean'
  );
}

/**
 * Asks the agent that has a store open.
 *
 * @param directory of the store
 * @throws Error if no agent answers
 */
export function askAgent(directory: string, request: DeletionRequest): Promise<DeletionAnswer> {
  return withShortPath(
    directory,
    path =>
      new Promise((resolve, reject) => {
        const socket = connect(path);
        socket.setTimeout(patience, () => socket.destroy(new Error('the agent does not answer')));
        socket.once('error', reject);
        socket.once('close', () => reject(new Error('the agent has closed the connection')));
        socket.once('connect', () => socket.write(`${JSON.stringify(request)}\n`));
        createInterface({ input: socket }).once('line', line => {
          // As answerTo has made it: the socket is the owner's alone.
          resolve(JSON.parse(line) as DeletionAnswer);
          socket.destroy();
        });
      }),
  );
}

/** The path of a socket has at most 107 bytes; that of an open directory is short. */
async function withShortPath<T>(directory: string, work: (path: string) => Promise<T>): Promise<T> {
  const handle = await open(directory, 'r');
  try {
    return await work(join('/proc/self/fd', String(handle.fd), socketName));
  } finally {
    await handle.close();
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
}
