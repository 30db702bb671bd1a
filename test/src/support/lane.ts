import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { Context } from 'mocha';

/** Skips a test that needs what this machine lacks, and says what; a silent skip would look like a pass. */
export function skipBecause(context: Context, reason: string): never {
  const title = context.test?.parent?.title ?? context.test?.title ?? 'test';
  console.log(`      skipped: ${title}: ${reason}`);
  return context.skip();
}

/** Absolute path of a program, or `undefined`. */
export async function findProgram(name: string): Promise<string | undefined> {
  for (const directory of [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin']) {
    const path = join(directory, name);
    const found = await access(path).then(
      () => true,
      () => false,
    );
    if (found && directory !== '') return path;
  }
  return undefined;
}
