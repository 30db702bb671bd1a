import {
  asTyped,
  type ConsoleAgent,
  type ConsoleSession,
  type DataAddress,
  type PlainList,
  QmfError,
  type ReceivedEvent,
  type TypedObject,
} from '@imagefactory/qmf';
import { BuildLogEvent, type BuildNews } from '@imagefactory/schema';
import { newsOf } from './news.js';
import { answerTime, checkAborted, type Limits, untilAnswered } from './patience.js';

/** A line of a build's log. */
export interface LogLine {
  /** From 1, without gaps. */
  readonly seq: number;
  /** ISO 8601, UTC; empty where the agent doesn't know it. */
  readonly time: string;
  /** `debug`, `info`, `warn` or `error`. */
  readonly level: string;
  readonly text: string;
}

export interface LogOptions {
  /** Number of the first line that is wanted; default 1. */
  readonly from?: number;
  /** Go on with new lines until the build is over; default true. Without, the loop ends with the last line that there is. */
  readonly follow?: boolean;
  /** Ends the loop with an `aborted` error. */
  readonly signal?: AbortSignal;
}

/** Seconds for which the agent is asked to send events; asked again at half of it. */
const lease = 60;
/** Lines from events that wait for a slow reader; more are asked for when he comes to them. */
const waitingLimit = 2_000;

/**
 * The lines of a build's log, each once and in order. What events bring is taken from them; what they don't, because it was before our
 * time, the bus was away, or it was too much, is asked for.
 */
export async function* readBuildLog(
  session: ConsoleSession,
  agent: ConsoleAgent,
  build: DataAddress,
  silence: number,
  { from = 1, follow = true, signal }: LogOptions,
): AsyncGenerator<LogLine, undefined> {
  const reader = new LogReader(session, agent, build, signal);
  const stop = follow ? reader.listen() : () => undefined;
  try {
    let next = from;
    for (;;) {
      if (follow) await reader.renew();
      const page = await reader.ask(next);
      for (const line of page.lines) yield line;
      next = page.next;
      if (page.over || (!follow && page.lines.length === 0)) return undefined;
      if (page.lines.length > 0) continue;
      for (let batch = await reader.heard(next, silence); batch !== undefined; ) {
        for (const line of batch.lines) yield line;
        next += batch.lines.length;
        // Others can send events too: the agent is asked for the rest, of which there is none if it is true.
        if (batch.over && (await reader.isGone())) return undefined;
        batch = batch.over ? undefined : await reader.heard(next, silence);
      }
    }
  } finally {
    stop();
  }
}

interface Heard {
  readonly lines: readonly LogLine[];
  /** Number of the line after these. */
  readonly next: number;
  readonly over: boolean;
}

class LogReader {
  readonly #news: TypedObject<typeof BuildNews>;
  #waiting: Heard[] = [];
  #size = 0;
  #wake: () => void = () => undefined;
  #renewAt = 0;

  constructor(
    private readonly session: ConsoleSession,
    agent: ConsoleAgent,
    private readonly build: DataAddress,
    private readonly signal: AbortSignal | undefined,
  ) {
    this.#news = newsOf(agent);
  }

  listen(): () => void {
    const stops = [
      this.session.onEvent(event => this.#onEvent(event)),
      // What was raised meanwhile is on its way, or lost; either way it can be asked for now.
      this.session.onReconnect(() => this.#skip()),
      this.session.onBusGone(() => this.#skip()),
    ];
    const onAbort = (): void => this.#wake();
    this.signal?.addEventListener('abort', onAbort, { once: true });
    return () => {
      for (const stop of stops) stop();
      this.signal?.removeEventListener('abort', onAbort);
    };
  }

  /** Has the agent send events for a while longer. */
  async renew(): Promise<void> {
    if (performance.now() < this.#renewAt) return;
    await this.#try(options =>
      this.#news.call('follow', { build: this.build.objectName, seconds: lease }, options),
    );
    this.#renewAt = performance.now() + lease * 500;
  }

  async ask(from: number): Promise<Heard> {
    const { lines, next, over } = await this.#try(options =>
      this.#news.call('log', { build: this.build.objectName, from }, options),
    );
    return { lines: linesOf(lines), next, over };
  }

  /** Whether the agent answers no more: it is gone, or it stops and refuses calls. */
  async isGone(): Promise<boolean> {
    try {
      await this.#news.call(
        'log',
        { build: this.build.objectName, from: 1, limit: 1 },
        { timeout: answerTime, ...(this.signal === undefined ? {} : { signal: this.signal }) },
      );
      return false;
    } catch (error) {
      this.#checkAborted();
      return error instanceof QmfError && (error.retryable || error.code === 'agent_exception');
    }
  }

  /** Lines from `next` on that events have brought or bring; undefined when it is better to ask. */
  async heard(next: number, silence: number): Promise<Heard | undefined> {
    if (this.#waiting.length === 0) await this.#event(silence);
    this.#checkAborted();
    const first = this.#waiting.shift();
    if (first === undefined || performance.now() >= this.#renewAt) return undefined;
    this.#size -= sizeOf(first);
    const lines = first.lines.filter(({ seq }) => seq >= next);
    if (lines.length > 0 && lines[0]?.seq !== next) return undefined;
    return lines.length === 0 && first.over && first.next > next ? undefined : { ...first, lines };
  }

  #event(silence: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, silence);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.signal?.aborted === true) this.#wake();
    });
  }

  #onEvent(event: ReceivedEvent): void {
    const typed = asTyped(event, BuildLogEvent);
    if (typed === undefined || event.agent !== this.build.agentName) return;
    const { addr, first, lines, over } = typed.values;
    if (addr['_object_name'] !== this.build.objectName) return;
    const heard = { lines: linesOf(lines), next: first + lines.length, over };
    this.#waiting.push(heard);
    this.#size += sizeOf(heard);
    for (
      let first = this.#waiting[0];
      first !== undefined && this.#size > waitingLimit;
      first = this.#waiting[0]
    ) {
      this.#waiting.shift();
      this.#size -= sizeOf(first);
    }
    this.#wake();
  }

  #skip(): void {
    this.#waiting = [];
    this.#size = 0;
    this.#renewAt = 0;
    this.#wake();
  }

  #try<T>(call: (limits: Limits) => Promise<T>): Promise<T> {
    return untilAnswered(call, this.signal, this.#what);
  }

  #checkAborted(): void {
    checkAborted(this.signal, this.#what);
  }

  get #what(): string {
    return `reading the log of ${this.build.objectName}`;
  }
}

/** An event without lines takes room too. */
function sizeOf({ lines }: Heard): number {
  return lines.length + 1;
}

/** Lines as they came; what is none is left out. */
function linesOf(list: PlainList): LogLine[] {
  return list.flatMap(item => {
    if (typeof item !== 'object' || item === null || !('seq' in item)) return [];
    const { seq, time, level, text } = item;
    if (typeof seq !== 'number' || typeof text !== 'string') return [];
    return [
      {
        seq,
        time: typeof time === 'string' ? time : '',
        level: typeof level === 'string' ? level : 'info',
        text,
      },
    ];
  });
}
