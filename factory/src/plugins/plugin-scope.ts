import { AsyncLocalStorage } from 'node:async_hooks';

/** The build that a piece of plugin code runs for. */
export interface PluginScope {
  /** Told of an error that the plugin has let fall: a rejected promise without a handler, or an exception in a callback. */
  onStray(error: unknown): void;
}

const scopes = new AsyncLocalStorage<PluginScope>();
let users = 0;

/** Runs `work`, and all that it starts, for `scope`. */
export function runInScope<T>(scope: PluginScope, work: () => T): T {
  return scopes.run(scope, work);
}

/**
 * Whether the code that runs now, such as a handler of `uncaughtException`, runs for a build. Then the build deals with the error,
 * and the process need not.
 */
export function inPluginScope(): boolean {
  return scopes.getStore() !== undefined;
}

/**
 * From now on, stray errors of plugins go to their builds instead of ending the process; the result undoes that. All other stray
 * errors end the process as they always do, unless the program has a listener for them.
 */
export function catchStrayErrors(): () => void {
  if (users++ === 0) {
    process.on('unhandledRejection', onRejection);
    process.on('uncaughtException', onException);
  }
  let active = true;
  return () => {
    if (!active) return;
    active = false;
    if (--users > 0) return;
    process.off('unhandledRejection', onRejection);
    process.off('uncaughtException', onException);
  };
}

function onRejection(reason: unknown): void {
  judge(reason, process.listenerCount('unhandledRejection'));
}

function onException(error: unknown): void {
  judge(error, process.listenerCount('uncaughtException'));
}

function judge(error: unknown, listeners: number): void {
  const scope = scopes.getStore();
  if (scope !== undefined) scope.onStray(error);
  else if (listeners === 1) throw error;
}
