import { BuildError } from '@imagefactory/plugin-api';
import type { Position } from './position.js';
import { type Rule, type RuleName, rules } from './rules.js';

/** Something wrong, or useless, in a template. Never quotes a password. */
export interface TemplateProblem {
  readonly rule: RuleName;
  readonly severity: 'error' | 'warning';
  /** From 1; 0 with `column` 0 when the problem is about the whole. */
  readonly line: number;
  readonly column: number;
  /** The element, such as `/template/os/arch`; `''` when the text could not be read as elements. */
  readonly path: string;
  readonly message: string;
  /** What would be right, as an instruction. */
  readonly remedy: string;
}

/** Problems that are kept of one template; whoever has more has another kind of document. */
const problemLimit = 100;

/** Collects problems; each is told once. */
export class Problems {
  readonly #list: TemplateProblem[] = [];
  #full = false;

  add(rule: RuleName, at: Position | undefined, path: string, message: string, remedy: string): void {
    if (this.#list.length >= problemLimit) {
      this.#full = true;
      // An error must not go under because of many warnings before it.
      if (rules[rule].severity === 'warning' || this.hasErrors) return;
    }
    const { severity }: Rule = rules[rule];
    this.#list.push({
      rule,
      severity,
      line: at?.line ?? 0,
      column: at?.column ?? 0,
      path,
      message,
      remedy,
    });
  }

  get hasErrors(): boolean {
    return this.#list.some(({ severity }) => severity === 'error');
  }

  get count(): number {
    return this.#list.length;
  }

  /** Whether there were more than are kept. */
  get cut(): boolean {
    return this.#full;
  }

  /** In the order of the text. */
  get all(): readonly TemplateProblem[] {
    return this.#list.toSorted((left, right) => left.line - right.line || left.column - right.column);
  }
}

/** `line 3, column 5: <arch> is 'vax'; write one of …` */
export function describeProblem({ line, column, message, remedy }: TemplateProblem): string {
  return `${line === 0 ? '' : `line ${line}, column ${column}: `}${message}; ${remedy}`;
}

/** How many problems are spelt out in the message of an error, which is one line in a log. */
const shownLimit = 5;

/** A template that can't be used: `message` tells the first problems on one line, `problems` has all, warnings too. */
export class TemplateError extends BuildError {
  constructor(readonly problems: readonly TemplateProblem[]) {
    const errors = problems.filter(({ severity }) => severity === 'error');
    const more = errors.length - shownLimit;
    super(
      'template_invalid',
      [
        ...errors.slice(0, shownLimit).map(describeProblem),
        ...(more > 0 ? [`and ${more} more ${more === 1 ? 'error' : 'errors'}`] : []),
      ].join(' | '),
    );
  }
}
