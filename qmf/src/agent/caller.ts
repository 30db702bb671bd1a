import { addressToText, type Envelope } from '../message/envelope.js';
import { unknownUserIds, type UserIds } from '../message/user-ids.js';

/** Who has sent a request, as far as that is known. */
export interface Caller {
  /** As the request says; what it is worth is in `userIds`. */
  readonly userId: string | undefined;
  readonly userIds: UserIds;
  /**
   * The same for all requests of one caller, and for no others as far as the broker knows: the user id where it is vouched for, else the
   * address for answers. Shares and quotas go by it.
   */
  readonly key: string;
}

/** Who has sent this message. */
export function callerOf({ userId, userIds = unknownUserIds, replyTo }: Envelope): Caller {
  if (userIds.kind === 'vouched' && userId !== undefined) return { userId, userIds, key: `user:${userId}` };
  return { userId, userIds, key: `reply:${replyTo === undefined ? '' : addressToText(replyTo)}` };
}
