import { type ConsoleAgent, QmfError } from '@imagefactory/qmf';
import type { Context } from '../context.js';
import { chosenAgents } from './agents.js';
import { isForbidden } from './records.js';

/** What agents have answered. */
export interface SearchResult<T> {
  readonly found: readonly { readonly agent: ConsoleAgent; readonly result: T }[];
  /** Names of agents that know nothing of it. */
  readonly asked: readonly string[];
  /** Names of agents that have not answered. */
  readonly silent: readonly string[];
}

/**
 * Asks agents for what one of them has. Where none of them has it, it waits until the timeout for others to come, or to come back: the right one
 * may be starting again.
 *
 * @param what for people who wait
 * @param ask gives `undefined` at an agent that has it not
 * @throws CliError not_found without any agent; what `ask` throws, but for an agent that does not answer, and for one that refuses to where another
 *   has it
 */
export async function searchAgents<T>(
  context: Context,
  accept: (agent: ConsoleAgent) => boolean,
  what: string,
  ask: (agent: ConsoleAgent) => Promise<T | undefined>,
): Promise<SearchResult<T>> {
  const deadline = performance.now() + context.settings.timeout;
  const { session } = (await context.bus()).console;
  const answers = new Map<string, Answer<T>>();
  const change = new Change();
  const unlisten = session.onAgentChange(({ kind, agent }) => {
    if (kind !== 'added' && kind !== 'restarted') return;
    answers.delete(agent.name);
    change.note();
  });
  context.signal.addEventListener('abort', change.note, { once: true });
  try {
    for (let isFirst = true; ; isFirst = false) {
      const agents = (await chosenAgents(context, accept)).filter(({ name }) => !answers.get(name)?.isFinal);
      for (const answer of await Promise.all(agents.map(agent => askOne(agent, ask)))) {
        answers.set(answer.agent.name, answer);
      }
      const all = [...answers.values()];
      const found = all.flatMap(({ agent, result }) => (result === undefined ? [] : [{ agent, result }]));
      const refusals = all.filter(({ refusal }) => refusal !== undefined);
      const isOver = performance.now() >= deadline || refusals.length === all.length;
      if (found.length === 0 && isOver && refusals[0] !== undefined) throw refusals[0].refusal;
      if (found.length > 0 || isOver) {
        const named = (isFinal: boolean): string[] =>
          all.filter(answer => answer.isFinal === isFinal).map(({ agent }) => agent.name);
        return { found, asked: named(true), silent: named(false) };
      }
      if (isFirst) {
        const seconds = Math.ceil((deadline - performance.now()) / 1_000);
        context.out.note(
          `no agent that is here knows ${what}; waiting up to ${seconds} s for one that may be starting again`,
        );
      }
      const isSilent = all.some(({ isFinal }) => !isFinal);
      await change.wait(Math.min(deadline - performance.now(), isSilent ? RETRY : Number.POSITIVE_INFINITY));
      if (context.signal.aborted) throw new QmfError('aborted', `looking for ${what}: cancelled`);
    }
  } finally {
    unlisten();
    context.signal.removeEventListener('abort', change.note);
  }
}

/** Milliseconds before an agent that has not answered is asked again. */
const RETRY = 500;

interface Answer<T> {
  readonly agent: ConsoleAgent;
  readonly result?: T | undefined;
  /** The error of an agent that does not say it to this caller. */
  readonly refusal?: unknown;
  /** False for an agent that has not answered. */
  readonly isFinal: boolean;
}

/** An agent that does not answer, or refuses to, must not keep the others from it. */
async function askOne<T>(
  agent: ConsoleAgent,
  ask: (agent: ConsoleAgent) => Promise<T | undefined>,
): Promise<Answer<T>> {
  try {
    return { agent, result: await ask(agent), isFinal: true };
  } catch (error) {
    if (error instanceof QmfError && unanswered.has(error.code)) return { agent, isFinal: false };
    if (isForbidden(error)) return { agent, refusal: error, isFinal: true };
    throw error;
  }
}

const unanswered: ReadonlySet<string> = new Set(['timeout', 'agent_unknown', 'connection_lost']);

/** Something that happens, maybe before anybody waits for it. */
class Change {
  #happened = false;
  #wake: () => void = () => undefined;

  readonly note = (): void => {
    this.#happened = true;
    this.#wake();
  };

  /** @param milliseconds the longest wait */
  async wait(milliseconds: number): Promise<void> {
    if (!this.#happened) {
      await new Promise<void>(resolve => {
        const timer = Number.isFinite(milliseconds)
          ? setTimeout(resolve, Math.max(0, milliseconds))
          : undefined;
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#happened = false;
  }
}
