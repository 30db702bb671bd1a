import type { Fleet } from '../fleet.js';

export const caseNames = [
  'call-1',
  'call-64',
  'query-1000',
  'sharing',
  'events',
  'recovery',
  'images',
  'store',
  'template',
  'builds',
  'sandbox',
  'memory',
] as const;
export type CaseName = (typeof caseNames)[number];

/** How much of everything a run does. */
export interface Sizes {
  readonly rounds: number;
  readonly calls: number;
  readonly concurrentCalls: number;
  readonly queries: number;
  /** Calls of a console beside one that asks much, in each round. */
  readonly sharedCalls: number;
  readonly floodInFlight: number;
  readonly floodAtOnce: number;
  readonly events: number;
  readonly memoryEvents: number;
  readonly images: number;
  /** Packages of a large template. */
  readonly packages: number;
  /** Orders that come together. */
  readonly orders: number;
  readonly builds: number;
  /** Sandboxes in each round. */
  readonly sandboxStarts: number;
  readonly memoryBuilds: number;
}

/** A figure that was asked for. */
export interface Goal {
  readonly text: string;
  readonly met: boolean;
}

/** QMF beside the bare library. */
export interface Comparison {
  readonly kind: 'comparison';
  readonly case: CaseName;
  readonly what: string;
  readonly unit: 'ms' | '1/s';
  readonly qmf: number;
  readonly bare: number;
  /** QMF to the bare library. */
  readonly ratio: number;
  readonly goal?: Goal;
}

/** A time that has nothing beside it to compare with, in milliseconds. */
export interface Duration {
  readonly kind: 'duration';
  readonly case: CaseName;
  readonly what: string;
  readonly median: number;
  readonly longest: number;
  readonly goal: Goal;
}

/** Resident memory of one process, in bytes. */
export interface Memory {
  readonly kind: 'memory';
  readonly case: CaseName;
  readonly role: string;
  /** What was done meanwhile, such as `10000 builds`. */
  readonly over: string;
  readonly start: number;
  /** After the first tenth of that, by when caches are filled and code is compiled. */
  readonly tenth: number;
  readonly end: number;
  readonly goal?: Goal;
}

export type Line = Comparison | Duration | Memory;

/** The embedded broker, or a real one, of which less is asked: it takes its own time. */
export function isEmbedded({ broker }: Fleet): boolean {
  return broker !== undefined;
}
