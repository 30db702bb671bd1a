import {
  BuildError,
  type BuildErrorCode,
  isBuildError,
  recogniseLines,
  type RunOptions,
  type RunResult,
  type ToolRunner,
} from '@imagefactory/plugin-api';
import { DpkgReader } from './dpkg-failure.js';

/**
 * Runs a tool of the apt family. Its last line is rarely the telling one ("Sub-process returned an error code"), so a failure is
 * reported with the package that dpkg could not install and what its script said last, or else with the first line that apt itself marks
 * as an error.
 */
export async function runApt(
  run: ToolRunner,
  file: string,
  args: readonly string[],
  options: RunOptions & { readonly label: string },
): Promise<RunResult> {
  const errors: string[] = [];
  const dpkg = new DpkgReader();
  try {
    return await run(file, args, {
      ...options,
      fetches: true,
      onLine: (line, stream) => {
        dpkg.line(line);
        if (telling.test(line) && errors.length < 100) errors.push(line);
        options.onLine?.(line, stream);
      },
    });
  } catch (error) {
    if (!isBuildError(error) || error.code === 'aborted' || error.code === 'timeout') throw error;
    const known = recogniseLines(errors);
    if (known?.code === 'package_not_found') {
      const text = known.text.replace('repository', 'repository of this template');
      throw new BuildError(known.code, `/template/packages: ${text}`, { cause: error });
    }
    const failed = (what: string, code: BuildErrorCode = 'tool_failed'): BuildError =>
      new BuildError(code, `${options.label} failed: ${what}`, { cause: error });
    if (known !== undefined) throw failed(known.text, known.code);
    if (error.code !== 'tool_failed') throw error;
    if (dpkg.failure !== undefined) throw failed(`package ${dpkg.failure.package}: ${dpkg.failure.reason}`);
    const unmet = errors.find(line => unmetLine.test(line));
    if (unmet !== undefined) throw failed(unmet.trim());
    const firstError = errors.find(line => line.startsWith('E: '));
    throw firstError === undefined ? error : failed(firstError.slice(3));
  }
}

/** Lines that may say why: what apt marks as errors, unmet dependencies, and a full disk, which any of their tools may find. */
const telling = /^[EW]: | : (?:Pre-?)?Depends: .* but |No space left on device|Disk quota exceeded/;

/** What apt says before "you have held broken packages". */
const unmetLine = /^\s*\S+ : (?:Pre-?)?Depends: .* but /;
