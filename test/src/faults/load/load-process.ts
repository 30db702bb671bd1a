import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { LoadCommand, LoadNews, LoadOrder } from './messages.js';

type News<K extends LoadNews['kind']> = LoadNews & { readonly kind: K };

/** The agent under load, in a process of its own so that its memory can be told from ours. */
export interface LoadProcess {
  readonly memory: readonly News<'memory'>[];
  /** Starts the load; resolves when it is over. May be called again then. */
  run(): Promise<News<'done'>>;
  /** Lets it leave the bus and end. Rejects unless it ends by itself, with success. */
  leave(): Promise<void>;
  kill(): void;
}

export async function startLoad(order: LoadOrder): Promise<LoadProcess> {
  const child = fork(new URL('load-agent.js', import.meta.url), [JSON.stringify(order)], {
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const exited = once(child, 'exit').then(([code]: unknown[]) => {
    if (code !== 0) throw new Error(`the agent under load ended with ${String(code)}`);
  });
  exited.catch(() => undefined); // told to whoever waits for news
  const memory: News<'memory'>[] = [];
  const news = <K extends LoadNews['kind']>(kind: K): Promise<News<K>> => {
    const came = new Promise<News<K>>(resolve => {
      const listener = (message: unknown): void => {
        const told = message as LoadNews; // our own child's
        if (told.kind !== kind) return;
        child.off('message', listener);
        resolve(told as News<K>); // just compared
      };
      child.on('message', listener);
    });
    const never = exited.then(() => Promise.reject(new Error('the agent under load ended too early')));
    return Promise.race([came, never]);
  };
  const say = (command: LoadCommand): void => {
    child.send(command);
  };
  child.on('message', message => {
    const told = message as LoadNews; // our own child's
    if (told.kind === 'memory') memory.push(told);
  });
  await news('ready');
  return {
    memory,
    run: () => {
      const done = news('done');
      say('go');
      return done;
    },
    leave: async () => {
      const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
      say('leave');
      await exited.finally(() => clearTimeout(timer));
    },
    kill: () => {
      child.kill('SIGKILL');
    },
  };
}
