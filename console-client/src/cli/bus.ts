import { setTimeout as sleep } from 'node:timers/promises';
import type { BusConnection, ConsoleSession } from '@imagefactory/qmf';
import { type ConnectedConsole, connectConsole } from '../connect.js';
import type { Settings } from './args/settings.js';
import { CliError, toCliError } from './errors.js';
import { exitCodes } from './exit-codes.js';

/** An open console, and when it began to listen. */
export interface Bus {
  readonly console: ConnectedConsole;
  /** Milliseconds of `performance.now()`. */
  readonly openedAt: number;
}

/**
 * @param warn told of what is unsafe or refused by the broker, once each
 * @throws QmfError `unreachable`, `tls_failed`, `not_authorised`, `address_refused`, `invalid_argument`, `timeout`, `aborted`
 */
export async function openBus(
  settings: Settings,
  signal: AbortSignal,
  warn: (text: string) => void,
): Promise<Bus> {
  const console = await connectConsole({
    ...settings.bus,
    onWarning: warn,
    log: { debug: () => undefined, warn },
    broker: settings.broker,
    domain: settings.domain,
    timeout: settings.timeout,
    requestTimeout: settings.timeout,
    signal,
    // Once it was up, a watch goes on through anything, a broker with its users not loaded yet included.
    retry: { retryRefused: true },
    ...(settings.bodyForm === undefined ? {} : { bodyForm: settings.bodyForm }),
  });
  return { console, openedAt: performance.now() };
}

/** What tells of a connection whether the broker takes what is sent. */
interface Publishing {
  readonly state: BusConnection['state'];
  readonly statistics: Pick<BusConnection['statistics'], 'accepted' | 'released' | 'rejected' | 'underWay'>;
}

/** Milliseconds by which the broker's word on a request may come after the answer to it. */
const lateness = 300;

/** What to look at when the broker takes nothing of what we sent; `undefined` where it does, or has nothing to take. */
export async function heldUp(connection: Publishing): Promise<string | undefined> {
  const said = (): number => {
    const { accepted, released, rejected } = connection.statistics;
    return accepted + released + rejected;
  };
  const [before, deadline] = [said(), performance.now() + lateness];
  while (connection.state === 'open' && connection.statistics.underWay > 0 && said() === before) {
    if (performance.now() > deadline)
      return 'the broker is there and has not taken our request: brokers hold publishers back when memory or disk run short';
    await sleep(10);
  }
  return undefined;
}

/** An answer that did not come, with what is in its way if that is the broker. */
export async function heldUpError(connection: BusConnection, error: unknown): Promise<unknown> {
  const shown = toCliError(error);
  const why = shown.exitCode === exitCodes.notFound ? await heldUp(connection) : undefined;
  if (why === undefined) return error;
  return new CliError(shown.code, shown.exitCode, shown.message, why, { cause: error });
}

/** Tells once when the bus goes away, again if it then refuses us, and once when it is back. The result stops that. */
export function tellBusChanges(connection: BusConnection, tell: (text: string) => void): () => void {
  let isAway = false;
  let isRefused = false;
  return connection.onStatus(status => {
    const reason = status.kind === 'waiting' || status.kind === 'dialling' ? status.reason : undefined;
    if (reason !== undefined && !isAway) {
      isAway = true;
      isRefused = !reason.retryable;
      tell(`the bus is away: ${reason.message}; trying to come back`);
    } else if (reason?.retryable === false && !isRefused) {
      isRefused = true;
      tell(`the bus answers, but ${reason.message}; trying on`);
    } else if (status.kind === 'open' && isAway) {
      isAway = false;
      tell(`the bus is back: ${status.broker}`);
    }
  });
}

/**
 * Tells when an agent that was known leaves the bus, comes back, or is restarted, while the bus itself is there. The result stops
 * that.
 *
 * @param accept which agents, by name; default all
 */
export function tellAgentChanges(
  session: ConsoleSession,
  tell: (text: string) => void,
  accept: (name: string) => boolean = () => true,
): () => void {
  const gone = new Set<string>();
  return session.onAgentChange(change => {
    const { name } = change.agent;
    if (!accept(name)) return;
    if (change.kind === 'removed' && change.reason === 'aged') {
      gone.add(name);
      tell(`the agent ${name} is gone: it has been silent for too long; the bus is there`);
    } else if (change.kind === 'restarted') {
      tell(`the agent ${name} was restarted`);
    } else if (change.kind === 'added' && gone.delete(name)) {
      tell(`the agent ${name} is back`);
    }
  });
}
