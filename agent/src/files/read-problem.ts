import { errorLine } from '../log/index.js';
import { errorCode } from './error-code.js';

const problems: Readonly<Partial<Record<string, string>>> = {
  ENOENT: 'there is no such file',
  EACCES: 'no permission to read it',
  EISDIR: 'it is a directory',
};

/** Why a file that a user has named could not be read, in words; what the system says where there are none. */
export function readProblem(error: unknown): string {
  return problems[errorCode(error) ?? ''] ?? errorLine(error);
}
