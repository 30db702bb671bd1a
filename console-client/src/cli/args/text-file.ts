import type { Context } from '../context.js';
import { fileError, usageError } from '../errors.js';
import { readAll } from '../io.js';

/**
 * The text of a file, or of standard input for `-`.
 *
 * @param what what the file is for, in errors
 * @throws CliError usage for a file that cannot be read, or is no text
 */
export async function readText(context: Context, what: string, path: string): Promise<string> {
  const bytes = path === '-' ? await readStdin(context) : await readFileOf(context, what, path);
  const text = bytes.toString('utf8');
  if (!Buffer.from(text, 'utf8').equals(bytes)) throw usageError(`${what}: ${path} is no UTF-8 text`);
  return text;
}

/** @throws CliError usage where standard input is the place that commands come from */
export async function readStdin({ io, mayReadStdin }: Context): Promise<Buffer> {
  if (!mayReadStdin) {
    throw usageError(
      "'-' reads standard input, where your commands come from here",
      'give a file with @file',
    );
  }
  return readAll(io.stdin);
}

async function readFileOf({ io }: Context, what: string, path: string): Promise<Buffer> {
  try {
    return await io.readFile(path);
  } catch (error) {
    throw fileError(what, path, error);
  }
}
