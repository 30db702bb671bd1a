import { EventStream } from '../connection/event-stream.js';
import { LONGEST_TIMER, wait } from '../connection/signals.js';
import { dataItemFromValue } from '../data/data-item.js';
import { QmfError } from '../errors.js';
import { readListBody, readMapBody } from '../message/content.js';
import { exceptionToError } from '../message/exception.js';
import { opcodeOf } from '../message/headers.js';
import {
  type SubscribeRequest,
  type SubscribeResponse,
  subscribeRequestToValue,
  subscribeResponseFromValue,
  subscriptionRefToValue,
} from '../message/subscribe.js';
import { expectAnswer } from './answers.js';
import type { AgentTransport, ConsoleAgent } from './console-agent.js';
import { type RemoteObject, remoteObject } from './remote-object.js';
import type { RequestOptions } from './request-table.js';

/** Objects that an agent publishes again and again to us. Leaving the loop cancels; it ends when the granted time is over. */
export interface ObjectSubscription extends AsyncIterable<RemoteObject> {
  readonly granted: SubscribeResponse;
  /** Prolongs it by its duration. */
  refresh(): Promise<void>;
  cancel(): Promise<void>;
}

/** C++ agents know no subscriptions and stay silent, so waiting long makes no sense. */
const GRANT_TIMEOUT = 10_000;
/** An agent ends a subscription without a word; ours ends so many milliseconds later. */
const EXPIRY_GRACE = 5_000;

/** @throws QmfError `timeout` when the agent does not answer, as agents without subscriptions do */
export async function openSubscription(
  agent: ConsoleAgent,
  transport: AgentTransport,
  request: SubscribeRequest,
  options: RequestOptions,
): Promise<ObjectSubscription> {
  const what = `subscribing at ${agent.name}`;
  const ended = new AbortController();
  const notify = (
    opcode: '_subscribe_refresh_indication' | '_subscribe_cancel_indication',
    response: SubscribeResponse,
  ) =>
    transport.notify(
      agent,
      opcode,
      subscriptionRefToValue(
        response.subscriptionId,
        opcode === '_subscribe_refresh_indication' ? response.duration : undefined,
      ),
    );
  let current: SubscribeResponse | undefined;
  const stream = new EventStream<RemoteObject>(() => {
    ended.abort();
    // An agent that can't be told lets it expire by itself.
    if (current !== undefined) notify('_subscribe_cancel_indication', current).catch(() => undefined);
  });
  const open = wait<SubscribeResponse>(
    what,
    { timeout: options.timeout ?? GRANT_TIMEOUT, signal: options.signal },
    (resolve, reject) => {
      // Publications carry the request's correlation id, so the request stays open for as long as they come.
      const lifetime = { timeout: LONGEST_TIMER, signal: ended.signal };
      transport
        .request(agent, what, '_subscribe_request', subscribeRequestToValue(request), lifetime, envelope => {
          if (opcodeOf(envelope.headers) === '_data_indication') {
            for (const item of readListBody(envelope))
              stream.push(remoteObject(agent, dataItemFromValue(item)));
            return false;
          }
          expectAnswer(agent.name, envelope, '_subscribe_response');
          current = subscribeResponseFromValue(readMapBody(envelope));
          if (current === undefined) throw exceptionToError(agent.name, readMapBody(envelope));
          resolve(current);
          return false;
        })
        .catch((error: unknown) => {
          const failure = QmfError.from(error, 'connection_lost');
          reject(failure);
          stream.end(failure.code === 'aborted' ? undefined : failure);
        });
      return () => undefined;
    },
  );
  const granted = await open.catch((error: unknown) => {
    ended.abort();
    throw error;
  });
  let expiry: NodeJS.Timeout | undefined;
  const prolong = (): void => {
    clearTimeout(expiry);
    if (ended.signal.aborted) return;
    const lifetime = Math.min(granted.duration * 1_000 + EXPIRY_GRACE, LONGEST_TIMER);
    expiry = setTimeout(() => stream.end(), lifetime).unref();
  };
  ended.signal.addEventListener('abort', () => clearTimeout(expiry), { once: true });
  prolong();
  return {
    granted,
    refresh: async () => {
      await notify('_subscribe_refresh_indication', granted);
      prolong();
    },
    cancel: async () => {
      await stream.return();
    },
    [Symbol.asyncIterator]: () => stream,
  };
}
