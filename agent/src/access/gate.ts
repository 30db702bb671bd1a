import { AgentException, type CallGate, exceptionCodes } from '@imagefactory/qmf';
import { errorLine, type Logger } from '../log/index.js';
import { type AccessList, anonymous } from './access-list.js';

/** Characters of a name that are shown; names come from callers. */
const shownLength = 120;

/**
 * Lets calls through that the list allows, and writes one line about each: who called what, and how it ended. Neither arguments nor
 * results are written.
 */
export function accessGate(isAllowed: AccessList, log: Logger): CallGate {
  return async (call, proceed) => {
    const user = call.userId ?? anonymous;
    const object = call.address?.objectName ?? '';
    const what = `call of ${shown(object)}.${shown(call.method)} by ${shown(user)}`;
    if (!isAllowed({ user, method: call.method, object })) {
      log.warn(`${what}: forbidden`);
      throw new AgentException(
        `Action Forbidden - ${shown(user)} may not call ${shown(call.method)} of ${shown(object)}; ask the agent's operator, who has the access list`,
        exceptionCodes.forbidden,
      );
    }
    try {
      const results = await proceed();
      log.notice(`${what}: answered`);
      return results;
    } catch (error) {
      log.notice(`${what}: refused: ${errorLine(error).slice(0, 500)}`);
      throw error;
    }
  };
}

function shown(name: string): string {
  const cut = name.length > shownLength ? `${name.slice(0, shownLength)}…` : name;
  return /^[\w@.:*/-]+$/.test(cut) ? cut : JSON.stringify(cut);
}
