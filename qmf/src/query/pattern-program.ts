import { QmfError } from '../errors.js';
import type { CodePointSet } from './code-point-set.js';
import { type Assertion, parsePattern, type PatternNode } from './pattern-parser.js';

/** States that a pattern may have; they bound the cost of one character of the text. */
export const MOST_STATES = 512;

/** The automaton of a pattern (Thompson 1968), whose first state is 0. */
export type State =
  | { readonly op: 'character'; readonly set: CodePointSet }
  | { readonly op: 'assertion'; readonly what: Assertion }
  | { op: 'fork'; first: number; second: number }
  | { readonly op: 'match' };

/** @throws QmfError `invalid_query` for a pattern that is wrong, too large, or outside the language of {@link parsePattern} */
export function compileStates(pattern: string): readonly State[] {
  const states: State[] = [];
  emit(parsePattern(pattern), states);
  push(states, { op: 'match' });
  return states;
}

function push(states: State[], state: State): void {
  if (states.length >= MOST_STATES) {
    throw new QmfError(
      'invalid_query',
      `the pattern has more than ${MOST_STATES} states; use smaller counts in {m,n}`,
    );
  }
  states.push(state);
}

function pushFork(states: State[]): Extract<State, { op: 'fork' }> {
  const fork = { op: 'fork', first: states.length + 1, second: states.length + 1 } as const;
  const open: Extract<State, { op: 'fork' }> = { ...fork };
  push(states, open);
  return open;
}

function emit(node: PatternNode, states: State[]): void {
  switch (node.kind) {
    case 'character':
      push(states, { op: 'character', set: node.set });
      return;
    case 'assertion':
      push(states, { op: 'assertion', what: node.what });
      return;
    case 'sequence':
      for (const part of node.nodes) emit(part, states);
      return;
    case 'choice':
      emitChoice(node.nodes, states);
      return;
    case 'repeat':
      emitRepeat(node, states);
      return;
  }
}

function emitChoice(nodes: readonly PatternNode[], states: State[]): void {
  const exits: Extract<State, { op: 'fork' }>[] = [];
  for (const [index, node] of nodes.entries()) {
    if (index === nodes.length - 1) {
      emit(node, states);
      break;
    }
    const entry = pushFork(states);
    emit(node, states);
    exits.push(pushFork(states));
    entry.second = states.length;
  }
  for (const exit of exits) exit.first = exit.second = states.length;
}

function emitRepeat({ node, least, most }: Extract<PatternNode, { kind: 'repeat' }>, states: State[]): void {
  for (let time = 0; time < least; time++) {
    const before = states.length;
    emit(node, states);
    if (states.length === before) return; // nothing stays nothing, however often
  }
  if (most === Number.POSITIVE_INFINITY) {
    const start = states.length;
    const entry = pushFork(states);
    emit(node, states);
    const back = pushFork(states);
    back.first = back.second = start;
    entry.second = states.length;
    return;
  }
  const exits: Extract<State, { op: 'fork' }>[] = [];
  for (let time = least; time < most; time++) {
    exits.push(pushFork(states));
    emit(node, states);
  }
  for (const exit of exits) exit.second = states.length;
}
