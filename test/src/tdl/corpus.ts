import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readTemplate, type TemplateReading } from '@imagefactory/agent';
import { projectRoot } from '../support/program.js';

export const corpusDirectory = join(projectRoot, 'test/corpus/tdl');
const recordingFile = join(corpusDirectory, 'recorded.json');

/** What Oz's schema says: `malformed` is what no XML parser takes. */
export type SchemaVerdict = 'valid' | 'invalid' | 'malformed';

export interface Recorded {
  readonly schema: SchemaVerdict;
  /** Ours: `rule line:column` of each problem, warnings in parentheses; `''` for none. */
  readonly problems: string;
}

export interface Recording {
  /** SHA-256 of the `tdl.rng` that gave the verdicts. */
  readonly schemaDigest: string;
  /** By `good/<name>.tdl` or `bad/<name>.tdl`: the folder is our own verdict. */
  readonly files: Readonly<Record<string, Recorded>>;
}

/** Names of all files of the corpus, with their folder. */
export async function corpusFiles(): Promise<readonly string[]> {
  const folders = await Promise.all(
    ['bad', 'good'].map(async folder =>
      (await readdir(join(corpusDirectory, folder))).map(name => `${folder}/${name}`),
    ),
  );
  return folders.flat().sort();
}

export async function readCorpusFile(name: string): Promise<TemplateReading> {
  return readTemplate(await readFile(join(corpusDirectory, name)));
}

export function summaryOf({ problems }: TemplateReading): string {
  return problems
    .map(({ rule, severity, line, column }) => {
      const text = `${rule} ${line}:${column}`;
      return severity === 'warning' ? `(${text})` : text;
    })
    .join(', ');
}

export async function readRecording(): Promise<Recording> {
  return JSON.parse(await readFile(recordingFile, 'utf8')) as Recording;
}

/** Writes the verdicts anew, for a change of the corpus or of the rules; look at what changed before it is committed. */
export async function record(
  schemaDigest: string,
  verdicts: ReadonlyMap<string, SchemaVerdict>,
): Promise<void> {
  const files: Record<string, Recorded> = {};
  for (const name of await corpusFiles()) {
    files[name] = {
      schema: verdicts.get(name) ?? 'malformed',
      problems: summaryOf(await readCorpusFile(name)),
    };
  }
  await writeFile(recordingFile, `${JSON.stringify({ schemaDigest, files }, undefined, 2)}\n`);
}
