import { AgentException, exceptionCodes } from '../message/exception.js';
import type { Schema } from '../schema/schema.js';
import type { ValueMap } from '../value/value.js';
import type { ObjectStore } from './object-store.js';
import type { UnreadableMessages } from '../session/unreadable.js';
import type { AgentSettings } from './options.js';
import type { Replies } from './replies.js';
import type { Subscriptions } from './subscriptions.js';
import type { UnderWay } from './under-way.js';

/** What answering requests needs of the session. */
export interface RequestContext {
  readonly settings: AgentSettings;
  readonly unreadable: UnreadableMessages;
  readonly store: ObjectStore;
  readonly replies: Replies;
  readonly subscriptions: Subscriptions;
  readonly schemas: () => readonly Schema[];
  readonly stableAttributes: () => ValueMap;
  readonly allAttributes: () => ValueMap;
  readonly bodyForm: () => 'value' | 'data';
  readonly signal: AbortSignal;
  /** Calls whose handler has not come to its end. */
  readonly calls: UnderWay;
  /** Queries that wait or are evaluated. */
  readonly queries: UnderWay;
  /** Why nothing new is begun; `undefined` as long as it is. */
  readonly refusal: () => string | undefined;
}

/** Queries are answered to the end: consoles want to know how it ended. */
export function refuseWhileStopping({ refusal }: RequestContext): void {
  const text = refusal();
  if (text !== undefined) throw new AgentException(text, exceptionCodes.exception);
}
