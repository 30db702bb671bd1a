import { type ConsoleAgent, QmfError } from '@imagefactory/qmf';
import type { Context } from '../context.js';
import { notFoundError, usageError } from '../errors.js';

/** Answers to a locate come within milliseconds of each other; so much silence means that all are here. Milliseconds. */
const QUIET = 250;

export interface CollectOptions {
  /** Milliseconds that agents have at least to answer, counted from the opening of the bus. */
  readonly atLeast?: number;
  /** Only agents for which this holds count. */
  readonly accept?: (agent: ConsoleAgent) => boolean;
  /** Ends the waiting at once: what was looked for is here. */
  readonly enough?: (agent: ConsoleAgent) => boolean;
  /** Wait up to the timeout for a first one. Default true. */
  readonly patient?: boolean;
}

/** Agents on the bus, once those that are there have had time to answer. Sorted by name; may be empty. */
export async function collectAgents(context: Context, options: CollectOptions = {}): Promise<ConsoleAgent[]> {
  const { console, openedAt } = await context.bus();
  const { session } = console;
  const accept = options.accept ?? (() => true);
  const found = (): ConsoleAgent[] => session.agents().filter(accept);
  const earliest = openedAt + (options.atLeast ?? QUIET);
  const latest = Math.max(
    earliest,
    performance.now() + (options.patient === false ? 0 : context.settings.timeout),
  );
  await new Promise<void>((resolve, reject) => {
    let lastNews = openedAt;
    let timer: NodeJS.Timeout | undefined;
    const finish = (settle: () => void): void => {
      clearTimeout(timer);
      unlisten();
      context.signal.removeEventListener('abort', onAbort);
      settle();
    };
    const onAbort = (): void =>
      finish(() => reject(new QmfError('aborted', 'looking for agents: cancelled')));
    const check = (): void => {
      clearTimeout(timer);
      const now = performance.now();
      const agents = found();
      const due = agents.length === 0 ? latest : Math.max(earliest, lastNews + QUIET);
      if (now >= due || agents.some(agent => options.enough?.(agent) === true)) finish(resolve);
      else timer = setTimeout(check, due - now);
    };
    const unlisten = session.onAgentChange(change => {
      if (change.kind !== 'added' || !accept(change.agent)) return;
      lastNews = performance.now();
      check();
    });
    context.signal.addEventListener('abort', onAbort, { once: true });
    if (context.signal.aborted) onAbort();
    else check();
  });
  return found().sort((left, right) => (left.name < right.name ? -1 : 1));
}

/**
 * How well a text names an agent, 0 being best: its full name; one of its parts, or vendor and product; the beginning of any
 * of these. `undefined`: not at all.
 */
export function matchRank(agentName: string, text: string): number | undefined {
  if (agentName === text) return 0;
  const [vendor = '', product = '', ...rest] = agentName.split(':');
  const parts = [vendor, product, rest.join(':')];
  if (parts.includes(text) || text === `${vendor}:${product}`) return 1;
  return [agentName, ...parts].some(part => part.startsWith(text)) ? 2 : undefined;
}

/** Those of the agents that the text names best. */
export function bestMatches<A extends { readonly name: string }>(agents: readonly A[], text: string): A[] {
  const ranks = agents.map(({ name }) => matchRank(name, text));
  const best = Math.min(...ranks.filter(rank => rank !== undefined));
  return agents.filter((_, index) => ranks[index] === best);
}

/**
 * The agents that `--agent` names, or all.
 *
 * @throws CliError not_found
 */
export async function chosenAgents(
  context: Context,
  accept: (agent: ConsoleAgent) => boolean = () => true,
): Promise<ConsoleAgent[]> {
  const { agent: text } = context.settings;
  const agents = await collectAgents(context, {
    accept: agent => accept(agent) && (text === undefined || matchRank(agent.name, text) !== undefined),
    enough: agent => agent.name === text,
  });
  const chosen = text === undefined ? agents : bestMatches(agents, text);
  if (chosen.length > 0) return chosen;
  const { connection, session } = (await context.bus()).console;
  const others = session.agents().map(({ name }) => name);
  const seconds = context.settings.timeout / 1_000;
  throw notFoundError(
    text === undefined
      ? `no agent answered at ${connection.broker} within ${seconds} s`
      : `no agent that is called '${text}' answered at ${connection.broker} within ${seconds} s`,
    others.length === 0
      ? 'is one running, on this broker and in this --domain?'
      : `there are: ${others.sort().join(', ')}`,
  );
}

/** @throws CliError usage that lists the agents, unless it is exactly one */
export function onlyOne(agents: readonly ConsoleAgent[], what: string): ConsoleAgent {
  const [first, ...more] = agents;
  if (first === undefined) throw notFoundError(`no agent for ${what}`);
  if (more.length === 0) return first;
  throw usageError(
    `${agents.length} agents come into question for ${what}: ${agents.map(({ name }) => name).join(', ')}`,
    'choose one with --agent, by its instance',
  );
}
