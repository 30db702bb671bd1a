import { ADAPTOR_PREFIX_2012 } from '@imagefactory/schema';
import { invalid } from './refusal.js';

/** The name of adaptors of a method of 2012. */
export function naming(method: string): (id: string) => string {
  return id => `${ADAPTOR_PREFIX_2012}${method}:${id}`;
}

/** A list of names that a caller gave. */
export function namesIn(argument: string, list: readonly unknown[]): readonly string[] {
  return list.map(name => {
    if (typeof name === 'string') return name;
    throw invalid(argument, 'one of them is no text; a list of names is expected');
  });
}
