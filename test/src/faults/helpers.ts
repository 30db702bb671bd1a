import type { ConnectedConsole } from '@imagefactory/console-client';
import { expect } from 'chai';
import { until } from '../support/until.js';
import type { BuildWatch } from './build-watch.js';
import type { Stage } from './stage.js';

/** Two consoles: one that orders builds, and one that only watches. */
export interface Watchers {
  readonly client: ConnectedConsole;
  readonly observer: ConnectedConsole;
}

export async function watchers(stage: Stage): Promise<Watchers> {
  const [client, observer] = await Promise.all([stage.console(), stage.console()]);
  return { client, observer };
}

/** Orders builds that both watch, and waits until they run. */
export async function startBuilds(stage: Stage, count: number, by: Watchers): Promise<BuildWatch[]> {
  const ordered = await Promise.all(Array.from({ length: count }, () => stage.order(by.client)));
  await Promise.all(ordered.map(({ build }) => stage.follow(by.observer, build.address)));
  await until('the builds run', () => ordered.every(isRunning), stage.patience);
  return ordered;
}

export function isRunning({ build }: BuildWatch): boolean {
  return build.status !== 'NEW' && build.status !== 'INITIALIZING';
}

/** All builds that were watched made an image, as all who watched know. */
export async function allCompleted(stage: Stage): Promise<void> {
  const outcomes = await stage.outcomes();
  expect(
    stage.watches.filter((_watch, index) => outcomes[index] !== 'COMPLETED').map(String),
    'builds that did not complete',
  ).to.deep.equal([]);
}

/** What a scenario's `missing` has promised to be there. */
export function given<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('played at a site that lacks what it needs');
  return value;
}

/** A promise that is awaited later, and may be rejected before: that is no unhandled rejection. */
export function later<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds));
}
