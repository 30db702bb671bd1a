import { BuildLogEvent, BuildStepEvent, NEWS_LINES } from '@imagefactory/schema';
import { type BuildLogLine, isEnd } from '@imagefactory/factory/jobs';
import type { KnownBuild } from './adaptor-index.js';
import type { EventSender } from './event-sender.js';

/** Milliseconds between two rounds of events about one build. */
const pause = 250;

/**
 * Tells by events what happens inside of a build, for as long as somebody wants it. However much happens, it is one event with
 * some lines and one with the latest step, four times a second at most; who wants the lines in between can ask for them.
 */
export class Follower {
  readonly #known: KnownBuild;
  readonly #events: EventSender;
  readonly #onStop: () => void;
  readonly #cleanUps: (() => void)[];
  #lines: BuildLogLine[] = [];
  #hasStep = false;
  #steps = 0;
  #timer: NodeJS.Timeout | undefined;
  #lease: NodeJS.Timeout | undefined;

  /** @param onStop called when the time is over, or the build */
  constructor(known: KnownBuild, events: EventSender, onStop: () => void) {
    this.#known = known;
    this.#events = events;
    this.#onStop = onStop;
    const { build } = known;
    this.#cleanUps = [
      build.log.onLine(line => this.#onLine(line)),
      build.onChange(change => {
        if (change.kind !== 'status') this.#hasStep = true;
        // The last lines say how it ended, and an agent that stops does not wait for the next round.
        if (change.kind === 'status' && isEnd(change.state.status)) this.#tell();
        else this.#soon();
      }),
    ];
  }

  /** Goes on for so many seconds from now, or as long as was promised before. */
  prolong(seconds: number): void {
    const until = Date.now() + seconds * 1000;
    if (until <= this.#until) return;
    this.#until = until;
    clearTimeout(this.#lease);
    this.#lease = setTimeout(() => this.stop(), seconds * 1000).unref();
  }
  #until = 0;

  stop(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#lease);
    for (const cleanUp of this.#cleanUps.splice(0)) cleanUp();
    this.#onStop();
  }

  #onLine(line: BuildLogLine): void {
    this.#lines.push(line);
    // The latest count; a reader sees by the numbers that there were others.
    if (this.#lines.length > NEWS_LINES) this.#lines.shift();
    this.#soon();
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#tell();
    }, pause).unref();
  }

  #tell(): void {
    const { build, adaptor } = this.#known;
    const addr = adaptor.addressMap;
    const over = isEnd(build.state.status);
    if (this.#hasStep) {
      this.#hasStep = false;
      void this.#events.raise(
        BuildStepEvent,
        {
          addr,
          event: 'STEP',
          seq: ++this.#steps,
          activity: build.detail.activity,
          percent_complete: build.percent,
          queue: { ...build.place },
        },
        { importance: 'progress' },
      );
    }
    const lines = this.#lines;
    this.#lines = [];
    if (lines.length > 0 || over) {
      void this.#events.raise(
        BuildLogEvent,
        { addr, event: 'LOG', first: lines[0]?.seq ?? build.log.last + 1, lines: lines.map(lineMap), over },
        { importance: 'progress' },
      );
    }
    if (over) this.stop();
  }
}

/** Characters of a line that are sent. */
const lineLimit = 2_000;

export function lineMap({ seq, time, level, text }: BuildLogLine): {
  seq: number;
  time: string;
  level: string;
  text: string;
} {
  return { seq, time, level, text: text.length > lineLimit ? `${text.slice(0, lineLimit)}…` : text };
}
