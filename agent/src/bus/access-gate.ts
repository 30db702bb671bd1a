import { AgentException, type CallGate, exceptionCodes } from '@imagefactory/qmf';
import { errorLine, type Logger } from '@imagefactory/factory/platform';
import { type AccessList, anonymous, openAccess } from '@imagefactory/factory/access';
import { shownCaller, shownName } from './shown-caller.js';

export interface GateOptions {
  /** What callers may do; without it everything. */
  readonly list?: AccessList;
  /**
   * Go by the list where the broker does not vouch for user ids too, so that it keeps out none but the honest; default false: all calls are
   * refused there.
   */
  readonly acceptUnverified?: boolean;
}

/**
 * Lets calls through that the list allows, and writes one line about each: who called what, and how it ended. Neither arguments nor
 * results are written. A name that the broker does not vouch for is marked as unverified.
 */
export function accessGate({ list, acceptUnverified = false }: GateOptions, log: Logger): CallGate {
  const isAllowed = list ?? openAccess;
  return async (call, proceed) => {
    const { userId, userIds } = call.caller;
    const object = call.address?.objectName ?? '';
    const named = `${shownName(object)}.${shownName(call.method)}`;
    const what = `call of ${named} by ${shownCaller(call.caller)}`;
    if (list !== undefined && !acceptUnverified && userIds.kind !== 'vouched') {
      log.warn(`${what}: forbidden: ${userIds.reason}, so that the access list means nothing there`);
      throw new AgentException(
        `Action Forbidden - this agent has an access list and cannot tell who calls: ${userIds.reason}; its operator can help it so: ${userIds.remedy}`,
        exceptionCodes.forbidden,
      );
    }
    const user = userId ?? anonymous;
    if (!isAllowed({ user, method: call.method, object })) {
      log.warn(`${what}: forbidden`);
      throw new AgentException(
        `Action Forbidden - ${shownName(user)} may not call ${shownName(call.method)} of ${shownName(object)}; ask the agent's operator, who has the access list`,
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
