import { OrderError, orderErrors, type OrderField } from '@imagefactory/factory/orders';
import { AgentException, exceptionCodes } from '@imagefactory/qmf';

/** The arguments of a method, by the fields of the order that they are. */
export type ArgumentNames = Readonly<Partial<Record<OrderField, string>>>;

/** A bad request's answer: the argument's name, what is wrong with it and what would be right. */
export function invalid(argument: string, problem: string, cause?: unknown): AgentException {
  return new AgentException(`Invalid argument: ${argument} (${problem})`, exceptionCodes.invalidParameter, {
    cause,
  });
}

/** The answer to a caller that would have more than its share. */
export function busy(error: Error): AgentException {
  return new AgentException(`Too busy: ${error.message}`, exceptionCodes.busy, { cause: error });
}

/** Gives what `work` gives; a refused order comes as an answer that a caller can act on. */
export async function orRefusal<T>(names: ArgumentNames, work: () => Promise<T>): Promise<T> {
  try {
    return await orderErrors(work);
  } catch (error) {
    throw error instanceof OrderError ? refusalOf(error, names) : error;
  }
}

function refusalOf(error: OrderError, names: ArgumentNames): AgentException {
  const { code, field, message } = error;
  if (code === 'busy') return busy(error);
  return field === undefined
    ? new AgentException(message, exceptionCodes.exception, { cause: error })
    : invalid(names[field] ?? field, message, error);
}
