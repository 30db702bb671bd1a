import {
  BuildError,
  recogniseLines,
  type RunOptions,
  type RunResult,
  type ToolRunner,
} from '@imagefactory/plugin-api';

/**
 * Runs a tool of the apt family. Its last line is rarely the telling one ("Sub-process returned an error code"), so a failure is
 * reported with the first line that apt itself marks as an error.
 */
export async function runApt(
  run: ToolRunner,
  file: string,
  args: readonly string[],
  options: RunOptions & { readonly label: string },
): Promise<RunResult> {
  const errors: string[] = [];
  try {
    return await run(file, args, {
      ...options,
      fetches: true,
      onLine: (line, stream) => {
        if (/^[EW]: /.test(line) && errors.length < 100) errors.push(line);
        options.onLine?.(line, stream);
      },
    });
  } catch (error) {
    if (!(error instanceof BuildError) || error.code === 'aborted' || error.code === 'timeout') throw error;
    const known = recogniseLines(errors);
    if (known?.code === 'package_not_found') {
      throw new BuildError(
        known.code,
        `/template/packages: ${known.text.replace('repository', 'repository of this template')}`,
        {
          cause: error,
        },
      );
    }
    if (known !== undefined)
      throw new BuildError(known.code, `${options.label} failed: ${known.text}`, { cause: error });
    const firstError = errors.find(line => line.startsWith('E: '));
    if (firstError === undefined || error.code !== 'tool_failed') throw error;
    throw new BuildError('tool_failed', `${options.label} failed: ${firstError.slice(3)}`, { cause: error });
  }
}

/** The proxy settings of this process, which apt and its helpers honour. */
export function proxyEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
  const names = ['http_proxy', 'https_proxy', 'no_proxy'];
  return Object.fromEntries(
    names.flatMap(name => {
      const value = env[name] ?? env[name.toUpperCase()];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
