import type { BusConnection } from '@imagefactory/qmf';
import type { Logger } from '@imagefactory/factory/platform';

/**
 * For an agent with an access list: refuses to begin at a broker that does not vouch for user ids, and says so when the connection moves to
 * such a broker later, where the gate refuses all calls. The result ends that.
 *
 * @param refuse called at most once
 */
export function requireVouching(
  connection: Pick<BusConnection, 'onStatus' | 'userIds'>,
  log: Logger,
  refuse: () => void,
): () => void {
  let state: 'new' | 'vouched' | 'refused' = 'new';
  return connection.onStatus(status => {
    if (status.kind !== 'open' || state === 'refused') return;
    const { userIds } = connection;
    if (userIds.kind === 'vouched') {
      state = 'vouched';
      return;
    }
    const why = `--acl means nothing at ${status.broker}: ${userIds.reason}; ${userIds.remedy}, or take the names as they come with --acl-unverified-users`;
    if (state === 'vouched') {
      log.warn(`all calls are refused until the agent is at another broker: ${why}`);
      return;
    }
    state = 'refused';
    log.error(`the agent does not start: ${why}`);
    refuse();
  });
}
