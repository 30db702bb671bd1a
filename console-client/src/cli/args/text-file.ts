import { readTextStream } from '@imagefactory/text';
import type { Context } from '../context.js';
import { usageError } from '../errors.js';
import { textLimit } from '../io.js';

/**
 * The text of a file, or of standard input for `-`.
 *
 * @param what what the file is for, in errors
 * @throws QmfError `invalid_argument` for a file that cannot be read, or is no text
 */
export function readText(context: Context, what: string, path: string): Promise<string> {
  return path === '-' ? readStdin(context, what) : context.io.readText(path, `${what}: ${path}`);
}

/**
 * Everything from standard input, which can be had once.
 *
 * @throws CliError usage where standard input is the place that commands come from
 * @throws QmfError `invalid_argument` for what is no text
 */
export async function readStdin({ io, mayReadStdin }: Context, what: string): Promise<string> {
  if (!mayReadStdin) {
    throw usageError(
      "'-' reads standard input, where your commands come from here",
      'give a file with @file',
    );
  }
  return readTextStream(io.stdin, { name: `${what}: standard input`, limit: textLimit });
}
