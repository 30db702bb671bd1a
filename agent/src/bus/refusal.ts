import { BuildError } from '@imagefactory/plugin-api';
import { AgentException, exceptionCodes } from '@imagefactory/qmf';

/** Which argument of `build_image` an error is about. */
function argumentOf(error: BuildError): 'target' | 'descriptor' {
  return error.code === 'target_unsupported' ? 'target' : 'descriptor';
}

/** A bad request's answer: the argument's name, what is wrong with it and what would be right. Other errors stay as they are. */
export function refusalOf(error: unknown): unknown {
  if (!(error instanceof BuildError)) return error;
  return new AgentException(
    `Invalid argument: ${argumentOf(error)} (${error.message})`,
    exceptionCodes.invalidParameter,
    { cause: error },
  );
}
