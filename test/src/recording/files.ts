import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { projectRoot } from '../support/program.js';
import { difference } from './difference.js';

const directory = join(projectRoot, 'test/recordings');

function pathOf(scenario: string): string {
  return join(directory, `${scenario}.json`);
}

/** Names of the scenarios that there are recordings of. */
export async function recordedScenarios(): Promise<string[]> {
  const names = await readdir(directory);
  return names.filter(name => name.endsWith('.json')).map(name => name.slice(0, -'.json'.length));
}

/** Writes a recording. Resolves with whether it differs from the one before. */
export async function saveRecording(scenario: string, text: string): Promise<boolean> {
  const path = pathOf(scenario);
  if (existsSync(path) && (await readFile(path, 'utf8')) === text) return false;
  await mkdir(directory, { recursive: true });
  await writeFile(path, text);
  return true;
}

/**
 * Compares a recording with its file.
 *
 * @throws Error that shows the messages that differ, and says how to accept them
 */
export async function expectRecorded(scenario: string, text: string): Promise<void> {
  const path = pathOf(scenario);
  const file = relative(projectRoot, path);
  if (!existsSync(path)) throw new Error(`${file} is missing; make it with: npm run record -- ${scenario}`);
  const lines = difference(await readFile(path, 'utf8'), text);
  if (lines.length === 0) return;
  throw new Error(
    [
      `the messages of ${scenario} differ from ${file} (- recorded, + now):`,
      ...lines,
      `If the difference is intended: npm run record -- ${scenario}, review the change of the file, and say why in test/recordings/NOTES.md.`,
    ].join('\n'),
  );
}
