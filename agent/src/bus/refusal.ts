import { BuildError, type BuildErrorCode, recogniseError } from '@imagefactory/plugin-api';
import { AgentException, exceptionCodes } from '@imagefactory/qmf';
import { OverQuota } from '@imagefactory/factory/access';
import { CatalogError } from '@imagefactory/factory/catalog';
import { ProviderError } from '@imagefactory/factory/plugins';

/** What a method calls the arguments that errors are about. */
export interface ArgumentNames {
  /** Default `template`. */
  readonly template?: string;
  /** Default `target`. */
  readonly target?: string;
  /** Default `providers`. */
  readonly provider?: string;
}

/** A bad request's answer: the argument's name, what is wrong with it and what would be right. */
export function invalid(argument: string, problem: string, cause?: unknown): AgentException {
  return new AgentException(`Invalid argument: ${argument} (${problem})`, exceptionCodes.invalidParameter, {
    cause,
  });
}

/** The answer to a caller that would have more than its share. */
export function busy(error: OverQuota): AgentException {
  return new AgentException(`Too busy: ${error.message}`, exceptionCodes.busy, { cause: error });
}

/** Gives what `work` gives; its errors come as answers that a caller can act on. */
export async function orRefusal<T>(names: ArgumentNames, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw refusalOf(error, names);
  }
}

function refusalOf(error: unknown, names: ArgumentNames): unknown {
  const { template = 'template', target = 'target', provider = 'providers' } = names;
  if (error instanceof BuildError && ofTheOrder.has(error.code)) {
    return invalid(error.code === 'target_unsupported' ? target : template, error.message, error);
  }
  if (error instanceof OverQuota) return busy(error);
  if (error instanceof CatalogError) return invalid(error.argument, error.message, error);
  if (error instanceof ProviderError) {
    return invalid(error.argument === 'credentials' ? 'credentials' : provider, error.message, error);
  }
  const cause = recogniseError(error);
  if (cause !== undefined) {
    // A full disk, for instance. Its path is for the agent's log, not for whoever calls.
    return new AgentException(
      `the agent could not write this down, and did nothing: ${cause.text}; tell its operator to look at the image directory`,
      exceptionCodes.exception,
      { cause: error },
    );
  }
  return error instanceof BuildError
    ? new AgentException(error.message, exceptionCodes.exception, { cause: error })
    : error;
}

/** Failures that a caller can mend by giving something else. */
const ofTheOrder: ReadonlySet<BuildErrorCode> = new Set([
  'template_invalid',
  'template_unavailable',
  'target_unsupported',
  'os_unsupported',
  'disk_size',
]);
