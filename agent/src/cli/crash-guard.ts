import { inPluginScope } from '@imagefactory/factory/plugins';
import { describeError, type Logger } from '@imagefactory/factory/platform';

/**
 * Resolves when an exception has come out of our own code: what it was in the middle of is unknown then, and the daemon had better
 * stop. A rejection that nobody handles has broken nothing off; it is logged, and the daemon goes on. Stray errors of plugins are
 * the engine's business.
 */
export function watchForCrash(log: Logger): Promise<'crash'> {
  process.on('unhandledRejection', reason => {
    if (!inPluginScope()) log.error(`an internal error, unhandled: ${describeError(reason)}`);
  });
  return new Promise(resolve => {
    process.on('uncaughtException', error => {
      if (inPluginScope()) return;
      log.error(`an internal error: ${describeError(error)}`);
      resolve('crash');
    });
  });
}
