import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot } from './program.js';

/** The blocks of one language in a section of a page, by default docs/brokers.md. */
export async function blocksOf(
  section: string,
  language: string,
  file = 'docs/brokers.md',
): Promise<string[]> {
  const page = await readFile(join(projectRoot, file), 'utf8');
  const text = page.split(/^## /m).find(part => part.startsWith(`${section}\n`));
  if (text === undefined) throw new Error(`${file} has no section ${section}`);
  const blocks = text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm);
  return [...blocks].filter(match => match[1] === language).map(match => match[2] ?? '');
}

/** The one block of its language in a section. */
export async function blockOf(section: string, language: string, file?: string): Promise<string> {
  const [block, ...others] = await blocksOf(section, language, file);
  if (block === undefined || others.length > 0)
    throw new Error(`${section}: one block of ${language} is expected`);
  return block;
}
