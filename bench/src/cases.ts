import type { Fleet, Pair } from './fleet.js';
import { interleaved } from './rounds.js';

export const caseNames = ['call-1', 'call-64', 'query-1000', 'events', 'memory'] as const;
export type CaseName = (typeof caseNames)[number];

/** How much of everything a run does. */
export interface Sizes {
  readonly rounds: number;
  readonly calls: number;
  readonly concurrentCalls: number;
  readonly queries: number;
  readonly events: number;
  readonly memoryEvents: number;
}

export const fullSizes = {
  calls: 2_000,
  concurrentCalls: 10_000,
  queries: 10,
  // Below the 20 000 messages that a queue of the embedded broker holds: a slow console loses nothing.
  events: 15_000,
  memoryEvents: 200_000,
} as const;

export const quickSizes = {
  calls: 50,
  concurrentCalls: 200,
  queries: 2,
  events: 500,
  memoryEvents: 2_000,
} as const;

/** QMF beside bare rhea. */
export interface Comparison {
  readonly kind: 'comparison';
  readonly case: CaseName;
  readonly what: string;
  readonly unit: 'ms' | '1/s';
  readonly qmf: number;
  readonly bare: number;
  /** QMF to bare rhea. */
  readonly ratio: number;
  readonly goal?: { readonly text: string; readonly met: boolean };
}

/** Resident memory of one process, in bytes. */
export interface Memory {
  readonly kind: 'memory';
  readonly case: CaseName;
  readonly role: string;
  readonly events: number;
  readonly before: number;
  readonly after: number;
}

export type Line = Comparison | Memory;

const EVENT_WINDOW = 1_000;

export async function runCase(name: CaseName, fleet: Fleet, sizes: Sizes): Promise<readonly Line[]> {
  switch (name) {
    case 'call-1':
      return oneInFlight(fleet, sizes);
    case 'call-64':
      return manyInFlight(fleet, sizes);
    case 'query-1000':
      return query(fleet, sizes);
    case 'events':
      return events(fleet, sizes);
    case 'memory':
      return memory(fleet, sizes);
  }
}

async function oneInFlight(fleet: Fleet, { rounds, calls }: Sizes): Promise<readonly Line[]> {
  const measured = await interleaved(fleet, rounds, async ({ requester }) => {
    const { p50, p99 } = await requester.ask('calls', { count: calls, inFlight: 1 });
    return { p50, p99 };
  });
  const goal = { text: '≤ 1.15 × bare', met: measured.p50.ratio <= 1.15 };
  return [
    {
      kind: 'comparison',
      case: 'call-1',
      what: 'method call, 1 in flight, p50',
      unit: 'ms',
      ...measured.p50,
      goal,
    },
    {
      kind: 'comparison',
      case: 'call-1',
      what: 'method call, 1 in flight, p99',
      unit: 'ms',
      ...measured.p99,
    },
  ];
}

async function manyInFlight(fleet: Fleet, { rounds, concurrentCalls }: Sizes): Promise<readonly Line[]> {
  const { perSecond } = await interleaved(fleet, rounds, async ({ requester }) => {
    const figures = await requester.ask('calls', { count: concurrentCalls, inFlight: 64 });
    return { perSecond: figures.perSecond };
  });
  const goal = { text: '≥ 0.9 × bare', met: perSecond.ratio >= 0.9 };
  return [
    {
      kind: 'comparison',
      case: 'call-64',
      what: 'method calls, 64 in flight',
      unit: '1/s',
      ...perSecond,
      goal,
    },
  ];
}

async function query(fleet: Fleet, { rounds, queries }: Sizes): Promise<readonly Line[]> {
  const measured = await interleaved(fleet, rounds, async ({ requester }) => {
    const { milliseconds, objects } = await requester.ask('queries', { count: queries });
    return { milliseconds, perSecond: objects / (milliseconds / 1_000) };
  });
  return [
    {
      kind: 'comparison',
      case: 'query-1000',
      what: 'query of 1000 objects',
      unit: 'ms',
      ...measured.milliseconds,
    },
    {
      kind: 'comparison',
      case: 'query-1000',
      what: 'objects of a query',
      unit: '1/s',
      ...measured.perSecond,
    },
  ];
}

async function events(fleet: Fleet, sizes: Sizes): Promise<readonly Line[]> {
  const { perSecond } = await interleaved(fleet, sizes.rounds, async pair => ({
    perSecond: sizes.events / ((await burst(pair, sizes.events)) / 1_000),
  }));
  const goal = { text: '≥ 20 000/s', met: perSecond.qmf >= 20_000 };
  return [
    { kind: 'comparison', case: 'events', what: 'events to one console', unit: '1/s', ...perSecond, goal },
  ];
}

/** Sends events and waits for all of them; gives the milliseconds from the first one sent to the last one received. */
async function burst({ requester, responder }: Pair, count: number): Promise<number> {
  await requester.ask('expectEvents', { count });
  const begin = await responder.ask('raise', { count, window: EVENT_WINDOW });
  return (await requester.ask('eventsReceived', {})) - begin;
}

/** Resident memory of each role before and after many events. */
async function memory(fleet: Fleet, sizes: Sizes): Promise<readonly Line[]> {
  const { broker, qmf, bare } = fleet;
  const roles = [
    ...(broker === undefined ? [] : [{ what: 'broker', memory: () => broker.ask('memory', {}) }]),
    { what: 'QMF agent', memory: () => qmf.responder.ask('memory', {}) },
    { what: 'QMF console', memory: () => qmf.requester.ask('memory', {}) },
    { what: 'bare sender', memory: () => bare.responder.ask('memory', {}) },
    { what: 'bare receiver', memory: () => bare.requester.ask('memory', {}) },
  ];
  const sample = () => Promise.all(roles.map(role => role.memory()));
  // Caches and compiled code come with the first events, and are no leak.
  for (const pair of [qmf, bare]) await burst(pair, Math.min(sizes.events, sizes.memoryEvents));
  const before = await sample();
  for (const pair of [qmf, bare]) {
    for (let sent = 0; sent < sizes.memoryEvents; sent += sizes.events) {
      await burst(pair, Math.min(sizes.events, sizes.memoryEvents - sent));
    }
  }
  const after = await sample();
  return roles.map(({ what }, index) => ({
    kind: 'memory',
    case: 'memory',
    role: what,
    events: sizes.memoryEvents,
    before: before[index] ?? 0,
    after: after[index] ?? 0,
  }));
}
