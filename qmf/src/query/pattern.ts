import { wordSet } from './code-point-set.js';
import type { Assertion } from './pattern-parser.js';
import { compileStates, type State } from './pattern-program.js';
import { type Paused, StepMeter, withoutPause } from './step-meter.js';

/** UTF-16 units of a text that are searched. */
export const SEARCHED_LENGTH = 4096;

/** A regular expression whose search takes time in proportion to the text, whatever the pattern. */
export class Pattern {
  readonly #states: readonly State[];

  private constructor(states: readonly State[]) {
    this.#states = states;
  }

  /**
   * Compiles the pattern of a `re_match`. The engine's own regular expressions go back over the text, which a hostile pattern turns into a
   * standstill; here all ways through the pattern are followed at once instead.
   *
   * @throws QmfError `invalid_query` for a pattern that is wrong, too large, or outside the language of `parsePattern`
   */
  static compile(pattern: string): Pattern {
    return new Pattern(compileStates(pattern));
  }

  /** States of the automaton: the most that one character of a text can cost. */
  get size(): number {
    return this.#states.length;
  }

  /**
   * Whether the pattern is found anywhere in the first 4096 characters of the text. Counts a step for each state at each character, and
   * pauses where the meter is due.
   *
   * @throws QmfError `query_too_costly`
   */
  *searching(text: string, meter: StepMeter): Paused<boolean> {
    const searched = text.length > SEARCHED_LENGTH ? text.slice(0, SEARCHED_LENGTH) : text;
    const walk = new Walk(this.#states);
    let before = -1;
    for (let index = 0; ; ) {
      const code = searched.codePointAt(index) ?? -1;
      const isFound = walk.step(before, code);
      meter.spend(walk.visited);
      if (isFound) return true;
      if (code < 0) return false;
      if (meter.isDue) yield;
      index += code > 0xffff ? 2 : 1;
      before = code;
    }
  }

  /** The same without pause or limit; its cost is bounded by the lengths of pattern and text. */
  search(text: string): boolean {
    return withoutPause(this.searching(text, new StepMeter('the search', Number.POSITIVE_INFINITY)));
  }
}

/** One search under way: the states that wait for the next character. */
class Walk {
  readonly #states: readonly State[];
  /** Number of the step in which a state was entered last. */
  readonly #entered: Uint32Array;
  readonly #open: Uint16Array;
  #waiting: Uint16Array;
  #next: Uint16Array;
  #waitingCount = 0;
  #openCount = 0;
  #stepNumber = 0;
  /** States that the last step looked at. */
  visited = 0;

  constructor(states: readonly State[]) {
    this.#states = states;
    this.#entered = new Uint32Array(states.length);
    this.#open = new Uint16Array(states.length);
    this.#waiting = new Uint16Array(states.length);
    this.#next = new Uint16Array(states.length);
  }

  /**
   * Moves between two characters; -1 stands for either end of the text. Tells whether the end of the pattern was reached.
   */
  step(before: number, after: number): boolean {
    this.#stepNumber++;
    this.visited = this.#waitingCount;
    this.#openCount = 0;
    for (let at = 0; at < this.#waitingCount; at++) {
      const index = this.#waiting[at] ?? 0;
      const state = this.#states[index];
      if (state?.op === 'character' && state.set.has(before)) this.#enter(index + 1);
    }
    // The search may begin at every position, so the first state is always among the ways.
    this.#enter(0);
    return this.#follow(before, after);
  }

  #enter(index: number): void {
    if (this.#entered[index] === this.#stepNumber) return;
    this.#entered[index] = this.#stepNumber;
    this.#open[this.#openCount++] = index;
  }

  /** Takes all states that need no character, each once, and keeps those that wait for one. */
  #follow(before: number, after: number): boolean {
    let count = 0;
    while (this.#openCount > 0) {
      const index = this.#open[--this.#openCount] ?? 0;
      const state = this.#states[index];
      this.visited++;
      if (state === undefined) continue;
      switch (state.op) {
        case 'match':
          return true;
        case 'character':
          this.#next[count++] = index;
          break;
        case 'assertion':
          if (holds(state.what, before, after)) this.#enter(index + 1);
          break;
        case 'fork':
          this.#enter(state.first);
          this.#enter(state.second);
          break;
      }
    }
    [this.#waiting, this.#next] = [this.#next, this.#waiting];
    this.#waitingCount = count;
    return false;
  }
}

function holds(what: Assertion, before: number, after: number): boolean {
  switch (what) {
    case 'start':
      return before < 0;
    case 'end':
      return after < 0;
    case 'boundary':
      return isWord(before) !== isWord(after);
    case 'noBoundary':
      return isWord(before) === isWord(after);
  }
}

function isWord(code: number): boolean {
  return code >= 0 && wordSet.has(code);
}
