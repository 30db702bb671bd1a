import type { BodyForm, TransportOptions } from '@imagefactory/qmf';
import { type BusFlagValues, readBusFlags } from '@imagefactory/qmf/command-line';
import { usageError } from '../errors.js';
import type { Io } from '../io.js';

/** The options that every command takes, checked. */
export interface Settings {
  /** One or more, in the order in which they are tried. */
  readonly broker: readonly string[];
  /** How the brokers are spoken to and logged in at. */
  readonly bus: TransportOptions;
  /** Milliseconds to wait for agents and answers. */
  readonly timeout: number;
  readonly json: boolean;
  /** Name or part of the name of the agent to use. */
  readonly agent: string | undefined;
  readonly bodyForm: BodyForm | undefined;
  readonly domain: string;
}

/** The same as commander gives them. */
export interface GlobalOptions extends BusFlagValues {
  readonly broker?: readonly string[];
  readonly timeout?: string;
  readonly json?: boolean;
  readonly agent?: string;
  readonly bodyForm?: string;
  readonly domain?: string;
}

const DEFAULT_TIMEOUT_SECONDS = 10;
/** Timers run for no longer than 2^31 ms. */
const MAX_SECONDS = 2_147_483;

/** @throws CliError usage, QmfError `invalid_argument` */
export function readSettings(
  options: GlobalOptions,
  env: Io['env'],
  defaults: Partial<Settings> = {},
): Settings {
  return {
    broker: options.broker ?? defaults.broker ?? [nonEmpty(env['IMAGEFACTORY_BROKER']) ?? 'localhost'],
    bus: defaults.bus ?? readBusFlags(options, env, 'IMAGEFACTORY'),
    timeout:
      options.timeout === undefined
        ? (defaults.timeout ?? DEFAULT_TIMEOUT_SECONDS * 1_000)
        : seconds(options.timeout, '--timeout') * 1_000,
    json: options.json ?? defaults.json ?? false,
    agent: options.agent ?? defaults.agent,
    bodyForm: options.bodyForm === undefined ? defaults.bodyForm : bodyForm(options.bodyForm),
    domain: options.domain ?? defaults.domain ?? 'default',
  };
}

export function seconds(text: string, option: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0 || value > MAX_SECONDS) {
    throw usageError(`${option}: '${text}' is no number of seconds above 0`);
  }
  return value;
}

export function positiveInteger(text: string, option: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || !Number.isSafeInteger(value)) {
    throw usageError(`${option}: '${text}' is no whole number from 1`);
  }
  return value;
}

function bodyForm(text: string): BodyForm {
  if (text === 'value' || text === 'data') return text;
  throw usageError(`--body-form: '${text}' is not known`, "write 'value' or 'data'");
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}
