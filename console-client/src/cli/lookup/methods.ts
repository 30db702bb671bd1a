import type { Schema, SchemaMethod } from '@imagefactory/qmf';
import { BuildAdaptor2012, ImageFactory, ImageFactory2012 } from '@imagefactory/schema';
import { isReference, namedArgument } from '../args/call-arguments.js';
import { inputsOf } from '../args/signature.js';

/**
 * The method of a class that a call means. Image Factory agents answer the methods of 2011 and of 2012 whichever revision of the schema they
 * show, so those are known here too. One of the same name is meant when the arguments have its names, or when they stand in its order and
 * not in that of the schema: `build_image` ends with a list in 2012, and with a text in 2011.
 *
 * @param words arguments as the user wrote them, some as `name=value`
 */
export function methodFor(schema: Schema, name: string, words: readonly string[]): SchemaMethod | undefined {
  const shown = schema.methods.find(method => method.name === name);
  const others = [ImageFactory2012, BuildAdaptor2012, ImageFactory]
    .filter(
      ({ schema: { id } }) =>
        id.packageName === schema.id.packageName && id.className === schema.id.className,
    )
    .flatMap(declared => declared.schema.methods.filter(method => method.name === name));
  if (shown === undefined) return others[0];
  const isNamed = (method: SchemaMethod, word: string): boolean => namedArgument(method, word) !== undefined;
  const byName = others.find(other => words.some(word => isNamed(other, word) && !isNamed(shown, word)));
  if (byName !== undefined) return byName;
  if (words.some(word => isNamed(shown, word)) || isInOrder(shown, words)) return shown;
  return others.find(other => isInOrder(other, words)) ?? shown;
}

/** Whether there are as many words as arguments, with lists where lists are expected and nowhere else. */
function isInOrder(method: SchemaMethod, words: readonly string[]): boolean {
  const inputs = inputsOf(method);
  return (
    inputs.length === words.length &&
    inputs.every(({ type }, index) => {
      const word = words[index] ?? '';
      // What a file holds, and no value at all, may be anything.
      return word === 'null' || isReference(word) || (type === 'list') === word.startsWith('[');
    })
  );
}
