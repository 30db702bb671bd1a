import { isBuildError } from '@imagefactory/plugin-api';
import {
  describeProblem,
  readTemplate,
  resolveTemplate,
  summariseTemplate,
  TemplateError,
  type TemplateForm,
  type TemplateProblem,
  type TemplateSources,
} from '@imagefactory/factory/templates';
import { exitCodes } from '../exit-codes.js';
import { describeTemplate } from './show.js';

export interface TemplateFlags {
  readonly json?: true;
  readonly partial?: true;
  readonly imgdir?: string;
}

/** What is said of one template. */
interface Verdict {
  readonly template: string;
  readonly valid: boolean;
  readonly problems: readonly TemplateProblem[];
  /** Why there is no template to judge. */
  readonly unavailable?: string;
}

type Write = (text: string) => void;

/** Prints what is wrong with templates, and useless in them; gives the exit code. */
export async function validateTemplates(
  references: readonly string[],
  flags: TemplateFlags,
  sources: TemplateSources,
  write: Write,
): Promise<number> {
  const verdicts: Verdict[] = [];
  for (const reference of references) {
    const verdict = await judge(reference, flags.partial === true ? 'partial' : 'complete', sources);
    verdicts.push(verdict);
    if (flags.json !== true) write(describeVerdict(verdict));
  }
  if (flags.json === true) {
    write(`${JSON.stringify({ valid: verdicts.every(({ valid }) => valid), templates: verdicts })}\n`);
  }
  if (verdicts.some(({ unavailable }) => unavailable !== undefined)) return exitCodes.failed;
  return verdicts.every(({ valid }) => valid) ? exitCodes.ok : exitCodes.invalid;
}

async function judge(reference: string, form: TemplateForm, sources: TemplateSources): Promise<Verdict> {
  const template = nameOf(reference);
  try {
    const { text } = await resolveTemplate(reference, sources, { onlyToLook: true });
    const { valid, problems } = readTemplate(text, { form });
    return { template, valid, problems };
  } catch (error) {
    if (error instanceof TemplateError) return { template, valid: false, problems: error.problems };
    if (!isBuildError(error)) throw error;
    return { template, valid: false, problems: [], unavailable: error.message };
  }
}

/** A template given as text is not repeated. */
function nameOf(reference: string): string {
  return reference.trimStart().startsWith('<') ? '(text)' : reference;
}

/** Like a compiler: file, line, column, so that editors find the place. */
function describeVerdict({ template, valid, problems, unavailable }: Verdict): string {
  if (unavailable !== undefined) {
    return `${unavailable.startsWith(template) ? '' : `${template}: `}${unavailable}\n`;
  }
  const lines = problems.map(problem => {
    const { line, column, severity, rule } = problem;
    const place = line === 0 ? template : `${template}:${line}:${column}`;
    const words = describeProblem({ ...problem, line: 0 });
    return `${place}: ${severity}: ${words} [${rule}]\n`;
  });
  return `${lines.join('')}${template}: ${valid ? 'valid' : 'not valid'}\n`;
}

/** Prints what is in a template; gives the exit code. */
export async function showTemplate(
  reference: string,
  flags: TemplateFlags,
  sources: TemplateSources,
  write: Write,
  complain: Write,
): Promise<number> {
  try {
    const { text } = await resolveTemplate(reference, sources, { onlyToLook: true });
    const reading = readTemplate(text, { form: flags.partial === true ? 'partial' : 'build' });
    if (!reading.valid) throw new TemplateError(reading.problems);
    const summary = summariseTemplate(reading.template);
    write(flags.json === true ? `${JSON.stringify(summary)}\n` : describeTemplate(summary));
    return exitCodes.ok;
  } catch (error) {
    if (!isBuildError(error)) throw error;
    if (!(error instanceof TemplateError)) {
      complain(`imagefactory: ${error.message}\n`);
      return exitCodes.failed;
    }
    complain(describeVerdict({ template: nameOf(reference), valid: false, problems: error.problems }));
    return exitCodes.invalid;
  }
}
