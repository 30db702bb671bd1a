import { BuildError, type RunOptions, type RunResult, type ToolRunner } from '@imagefactory/plugin-api';

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
  let firstError: string | undefined;
  try {
    return await run(file, args, {
      ...options,
      onLine: (line, stream) => {
        if (line.startsWith('E: ')) firstError ??= line;
        options.onLine?.(line, stream);
      },
    });
  } catch (error) {
    if (!(error instanceof BuildError) || error.code !== 'tool_failed' || firstError === undefined)
      throw error;
    const unknown = /^E: Unable to locate package (\S+)/.exec(firstError)?.[1];
    if (unknown !== undefined) {
      const message = `/template/packages: no repository of this template has a package named ${unknown}`;
      throw new BuildError('template_invalid', message, { cause: error });
    }
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
