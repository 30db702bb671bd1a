import { type ReceivedEvent, severityWords } from '@imagefactory/qmf';
import type { Delivery } from '../../index.js';
import { type ClassName, isClass, parseClassName } from '../args/class-name.js';
import { tellAgentChanges, tellBusChanges } from '../bus.js';
import type { Context } from '../context.js';
import { usageError } from '../errors.js';
import { exitCodes } from '../exit-codes.js';
import { collectAgents, matchRank } from '../lookup/agents.js';
import { classLists, unknownEvents } from '../lookup/classes.js';
import type { Output, Part } from '../../terminal/output.js';
import type { Style } from '../../terminal/style.js';
import { fromNanoseconds, isoTime, utcTime } from '../../terminal/time.js';
import { showValue } from '../../terminal/values.js';

export interface EventsOptions {
  readonly class?: string;
  readonly minSeverity?: string;
  /** Ends after so many. */
  readonly count?: number;
}

/** Which events are shown. */
export type EventFilter = (event: ReceivedEvent) => boolean;

/** Shows events as they come, until it is stopped or has shown enough. */
export async function eventsCommand(context: Context, options: EventsOptions): Promise<number> {
  const { out, settings, signal } = context;
  const accept = eventFilter(options, settings.agent);
  const { console } = await context.bus();
  const { session, connection } = console;
  const stream = console.events({ where: accept, signal });
  const isMeant = (name: string): boolean =>
    settings.agent === undefined || matchRank(name, settings.agent) !== undefined;
  const untells = [
    tellBusChanges(connection, text => out.note(text)),
    tellAgentChanges(session, text => out.note(text), isMeant),
  ];
  if (out.isTerminal) out.note(`listening at ${connection.broker}; Ctrl-C ends it`);
  // Beside the listening, for an agent that knows the class may come later.
  if (options.class !== undefined)
    remarkOnClass(context, parseClassName(options.class), isMeant).catch(() => undefined); // it is a remark, no more
  try {
    let shown = 0;
    for await (const event of stream) {
      const { droppedBefore } = event;
      if (droppedBefore > 0)
        out.note(`${droppedBefore} events were dropped: they came faster than they could be written`);
      printEvent(out, event);
      await out.drained(signal);
      if (++shown === options.count) break;
    }
  } finally {
    for (const untell of untells) untell();
  }
  return exitCodes.ok;
}

/** Notes that no agent on the bus has events of the class: its name may be misspelt, and no event would ever come. */
async function remarkOnClass(
  context: Context,
  name: ClassName,
  isMeant: (agent: string) => boolean,
): Promise<void> {
  const { out, signal } = context;
  const agents = await collectAgents(context, { patient: false, accept: agent => isMeant(agent.name) });
  const remark = unknownEvents(name, await classLists(agents, { signal }));
  if (remark !== undefined && !signal.aborted) out.note(remark);
}

/** @throws CliError usage */
export function eventFilter(options: EventsOptions, agent: string | undefined): EventFilter {
  const name: ClassName | undefined = options.class === undefined ? undefined : parseClassName(options.class);
  const severity = options.minSeverity === undefined ? 7 : severityOf(options.minSeverity);
  return event =>
    event.severity <= severity &&
    (name === undefined || isClass(event, name, false)) &&
    (agent === undefined || matchRank(event.agent, agent) !== undefined);
}

/** The words of `Severity`, beside those of routing keys. */
const aliases: Readonly<Record<string, string>> = {
  notice: 'note',
  inform: 'info',
  warning: 'warn',
  critical: 'crit',
};

function severityOf(text: string): number {
  const word = text.toLowerCase();
  const severity = severityWords.findIndex(known => known === (aliases[word] ?? word));
  if (severity >= 0) return severity;
  throw usageError(`--min-severity: '${text}' is not known`, `write one of ${severityWords.join(', ')}`);
}

export function printEvent(out: Output, event: ReceivedEvent & Delivery): void {
  if (out.json) {
    out.object({
      time: isoTime(event.timestamp),
      timestamp: event.timestamp.toString(),
      severity: severityWords[event.severity],
      agent: event.agent,
      package: event.packageName,
      class: event.className,
      values: event.values,
      ...(event.caughtUp ? { caught_up: true } : {}),
      ...(event.confirmed === false ? { confirmed: false } : {}),
    });
  } else out.line(...eventLine(event));
}

function eventLine(event: ReceivedEvent & Delivery): Part[] {
  const time = event.timestamp === 0n ? 'no time' : utcTime(fromNanoseconds(event.timestamp));
  const word = severityWords[event.severity];
  const values = Object.entries(event.values).map(([name, value]) => ` ${name}=${showValue(value)}`);
  return [
    { text: time, style: 'dim' },
    ' ',
    styled(word.padEnd(5), styleOf(event.severity)),
    ' ',
    { text: event.className, style: 'cyan' },
    values.join(''),
    { text: ` at ${event.agent}`, style: 'dim' },
    ...(event.caughtUp ? [{ text: ' (filled in)', style: 'dim' } as const] : []),
    ...(event.confirmed === false ? [{ text: ' (unconfirmed)', style: 'yellow' } as const] : []),
  ];
}

function styled(text: string, style: Style | undefined): Part {
  return style === undefined ? text : { text, style };
}

function styleOf(severity: number): Style | undefined {
  if (severity <= 3) return 'red';
  return severity === 4 ? 'yellow' : undefined;
}
