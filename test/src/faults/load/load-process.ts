import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { LoadCommand, LoadDone, LoadNews, LoadOrder } from './messages.js';

type News<K extends LoadNews['kind']> = LoadNews & { readonly kind: K };

/** The agent under load, in a process of its own so that its memory can be told from ours. */
export interface LoadProcess {
  /** Puts the load on for so many seconds; resolves when it is over. May be called again then. */
  run(seconds: number): Promise<LoadDone>;
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
  await news('ready');
  return {
    run: seconds => {
      const done = news('done');
      say({ kind: 'run', seconds });
      return done;
    },
    leave: async () => {
      const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
      say({ kind: 'leave' });
      await exited.finally(() => clearTimeout(timer));
    },
    kill: () => {
      child.kill('SIGKILL');
    },
  };
}
