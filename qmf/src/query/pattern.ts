import { QmfError } from '../errors.js';
import {
  type Assertion,
  type CharacterTest,
  isWordCharacter,
  parsePattern,
  type PatternNode,
} from './pattern-parser.js';

/** Patterns come from strangers: steps times characters bounds the time of one search to a few milliseconds. */
const MOST_STEPS = 512;
const MOST_CHARACTERS = 4096;

/** A regular expression whose search takes time in proportion to the text, whatever the pattern. */
export interface Pattern {
  /** Whether the pattern is found anywhere in the first 4096 characters of the text. */
  search(text: string): boolean;
}

type Step =
  | { readonly op: 'character'; readonly test: CharacterTest }
  | { readonly op: 'assertion'; readonly what: Assertion }
  | { op: 'fork'; first: number; second: number }
  | { readonly op: 'match' };

/**
 * Compiles the pattern of an `re_match`. The engine's own regular expressions go back over the text, which a hostile pattern
 * turns into a standstill; here all ways through the pattern are followed at once instead (Thompson 1968).
 *
 * @throws QmfError `invalid_query` for a pattern that is wrong, too large, or outside the language of {@link parsePattern}.
 */
export function compilePattern(pattern: string): Pattern {
  const steps: Step[] = [];
  emit(parsePattern(pattern), steps);
  push(steps, { op: 'match' });
  return { search: text => search(steps, text) };
}

function push<S extends Step>(steps: Step[], step: S): S {
  if (steps.length >= MOST_STEPS) {
    throw new QmfError('invalid_query', `the pattern takes more than ${MOST_STEPS} steps`);
  }
  steps.push(step);
  return step;
}

function pushFork(steps: Step[]): Extract<Step, { op: 'fork' }> {
  return push(steps, { op: 'fork', first: steps.length + 1, second: steps.length + 1 });
}

function emit(node: PatternNode, steps: Step[]): void {
  switch (node.kind) {
    case 'character':
      push(steps, { op: 'character', test: node.test });
      return;
    case 'assertion':
      push(steps, { op: 'assertion', what: node.what });
      return;
    case 'sequence':
      for (const part of node.nodes) emit(part, steps);
      return;
    case 'choice':
      emitChoice(node.nodes, steps);
      return;
    case 'repeat':
      emitRepeat(node, steps);
      return;
  }
}

function emitChoice(nodes: readonly PatternNode[], steps: Step[]): void {
  const exits: Extract<Step, { op: 'fork' }>[] = [];
  for (const [index, node] of nodes.entries()) {
    if (index === nodes.length - 1) {
      emit(node, steps);
      break;
    }
    const entry = pushFork(steps);
    emit(node, steps);
    exits.push(pushFork(steps));
    entry.second = steps.length;
  }
  for (const exit of exits) exit.first = exit.second = steps.length;
}

function emitRepeat({ node, least, most }: Extract<PatternNode, { kind: 'repeat' }>, steps: Step[]): void {
  for (let time = 0; time < least; time++) {
    const before = steps.length;
    emit(node, steps);
    if (steps.length === before) break; // nothing stays nothing, however often
  }
  if (most === Number.POSITIVE_INFINITY) {
    const start = steps.length;
    const entry = pushFork(steps);
    emit(node, steps);
    const back = pushFork(steps);
    back.first = back.second = start;
    entry.second = steps.length;
    return;
  }
  const exits: Extract<Step, { op: 'fork' }>[] = [];
  for (let time = least; time < most; time++) {
    exits.push(pushFork(steps));
    emit(node, steps);
  }
  for (const exit of exits) exit.second = steps.length;
}

function search(steps: readonly Step[], text: string): boolean {
  const codes = Array.from(text.slice(0, MOST_CHARACTERS), character => character.codePointAt(0) ?? 0);
  let waiting: number[] = [];
  for (let position = 0; position <= codes.length; position++) {
    const passed = position === 0 ? [] : advance(steps, waiting, codes[position - 1] ?? 0);
    // The search may begin at every position, so the first step is always among the ways.
    const reached = follow(steps, [...passed, 0], codes, position);
    if (reached === 'match') return true;
    waiting = reached;
  }
  return false;
}

/** Where the ways go on whose character was there. */
function advance(steps: readonly Step[], waiting: readonly number[], code: number): number[] {
  const passed: number[] = [];
  for (const index of waiting) {
    const step = steps[index];
    if (step?.op === 'character' && step.test(code)) passed.push(index + 1);
  }
  return passed;
}

/** Takes all steps that need no character, each once. Gives the steps that wait for one, unless a way has reached the end. */
function follow(
  steps: readonly Step[],
  open: number[],
  codes: readonly number[],
  position: number,
): number[] | 'match' {
  const waiting: number[] = [];
  const seen = new Uint8Array(steps.length);
  for (let index = open.pop(); index !== undefined; index = open.pop()) {
    const step = steps[index];
    if (step === undefined || seen[index] === 1) continue;
    seen[index] = 1;
    switch (step.op) {
      case 'match':
        return 'match';
      case 'character':
        waiting.push(index);
        break;
      case 'assertion':
        if (holds(step.what, codes, position)) open.push(index + 1);
        break;
      case 'fork':
        open.push(step.first, step.second);
        break;
    }
  }
  return waiting;
}

function holds(what: Assertion, codes: readonly number[], position: number): boolean {
  switch (what) {
    case 'start':
      return position === 0;
    case 'end':
      return position === codes.length;
    case 'boundary':
      return isBoundary(codes, position);
    case 'noBoundary':
      return !isBoundary(codes, position);
  }
}

function isBoundary(codes: readonly number[], position: number): boolean {
  return isWordCharacter(codes[position - 1] ?? -1) !== isWordCharacter(codes[position] ?? -1);
}
