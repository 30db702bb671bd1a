import { type TemplateReading, templateRules } from '@imagefactory/agent';
import type { SchemaVerdict } from './corpus.js';

/**
 * Whether our verdict and that of Oz's schema agree, or differ as the table of rules (factory/src/templates/rules.ts) says that they
 * may: undefined when they do, otherwise what is wrong.
 */
export function disagreement(ours: TemplateReading, schema: SchemaVerdict): string | undefined {
  const told = ours.problems.map(({ rule }) => rule).join(', ') || 'nothing';
  if (ours.valid === (schema === 'valid')) return undefined;
  if (ours.valid) {
    const explained = ours.problems.some(({ rule }) => templateRules[rule].schema === 'laxer');
    return explained ? undefined : `we take it (saying ${told}), and the schema calls it ${schema}`;
  }
  const unexplained = ours.problems.filter(
    ({ rule, severity }) => severity === 'error' && templateRules[rule].schema !== 'stricter',
  );
  return unexplained.length === 0 ? undefined : `we refuse it (${told}), and the schema takes it`;
}
