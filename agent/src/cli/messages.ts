import { describeBroker } from '@imagefactory/qmf';
import { errorLine } from '@imagefactory/factory/platform';
import type { DoctorReport, RunningAgent, StopReport } from '../runtime/index.js';
import type { BrokerChoice } from './broker-choice.js';
import { exitCodes } from './exit-codes.js';
import { packageVersion } from './version.js';

/** Who the agent is, where, and what it can do, on one line. */
export function startLine(agent: RunningAgent, health: DoctorReport, choice: BrokerChoice): string {
  const names = (ready: boolean): string =>
    [...new Set(health.plugins.filter(plugin => plugin.ready === ready).map(({ name }) => name))].join(', ');
  const lacking = names(false);
  return [
    `imagefactory ${packageVersion()}: agent ${agent.name} (start ${agent.epoch})`,
    brokers(agent, choice),
    `images in ${agent.imageDirectory}`,
    `plugins ready: ${names(true)}${lacking === '' ? '' : `; not ready: ${lacking} (see imagefactory doctor)`}`,
  ].join('; ');
}

function brokers(agent: RunningAgent, choice: BrokerChoice): string {
  if (choice.kind === 'embedded') return `embedded broker ${agent.broker}`;
  const { addresses } = choice;
  return addresses.length === 1
    ? `broker ${agent.broker}`
    : `brokers ${addresses.map(describeBroker).join(', ')}`;
}

/** What the agent left, on one line. */
export function stopLine(report: StopReport): string {
  const { aborted, abandoned, postponed, unfinishedCalls, unsentMessages } = report;
  const left = [
    ...(postponed.length === 0
      ? []
      : [`builds that wait for the next start: ${postponed.length} (${listed(postponed)})`]),
    ...(aborted.length === 0 ? [] : [`builds ended: ${aborted.join(', ')}`]),
    ...(abandoned.length === 0
      ? []
      : [`plugins that did not stop in time, in builds: ${abandoned.join(', ')}`]),
    ...(unfinishedCalls === 0 ? [] : [`calls that were not answered: ${unfinishedCalls}`]),
    ...(unsentMessages === 0 ? [] : [`events and answers that did not reach the broker: ${unsentMessages}`]),
  ];
  return left.length === 0 ? 'stopped' : `stopped; ${left.join('; ')}`;
}

/** The first few ids. */
function listed(ids: readonly string[]): string {
  const shown = ids.slice(0, 5).join(', ');
  return ids.length > 5 ? `${shown} …` : shown;
}

/** How an orderly stop ends: builds that were ended have been told to everybody, those that wait are not lost, but some things may be left. */
export function stopCode({ abandoned, unfinishedCalls, unsentMessages }: StopReport): number {
  return abandoned.length + unfinishedCalls + unsentMessages === 0 ? exitCodes.ok : exitCodes.left;
}

/** Why the agent could not start, on one line. */
export function describeStartError(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : '';
  return `${errorLine(error)}${cause}`;
}
