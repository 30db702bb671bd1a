import type { RequestOptions, SchemaMethod } from '@imagefactory/qmf';
import type { Settings } from './args/settings.js';
import type { Bus } from './bus.js';
import type { Io } from './io.js';
import type { Output } from '../terminal/output.js';

/** What a command works with. */
export interface Context {
  readonly io: Io;
  readonly out: Output;
  readonly settings: Settings;
  /** Fires when the command is to stop: its user wants that, or the reader of its output went away. */
  readonly signal: AbortSignal;
  /**
   * The same, but for an output whose reader went away: a build that is followed is followed on to its end, because its exit code says how it
   * ended.
   */
  readonly followSignal: AbortSignal;
  /** Opens the bus, the first time that it is called. */
  readonly bus: () => Promise<Bus>;
  /** Whether standard input is free to be read by the command, and not where commands are typed. */
  readonly mayReadStdin: boolean;
  /** Called with the method that a call resolved to, before its arguments are read. */
  readonly onMethod?: (method: SchemaMethod) => void;
}

/** A command: does its work and gives the exit code. */
export type Action = (context: Context) => Promise<number>;

export function requestOptions({ settings, signal }: Context): RequestOptions {
  return { timeout: settings.timeout, signal };
}
