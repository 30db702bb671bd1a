import type { Schema, SchemaMethod } from '@imagefactory/qmf';
import { BuildAdaptor2012, ImageFactory2012 } from '@imagefactory/schema';

/**
 * The method of a class that a call means. Image Factory agents answer the methods of 2012 whichever revision of the schema they show, so
 * those are known here too; one of the same name is meant when the arguments have its names.
 *
 * @param words arguments as the user wrote them, some as `name=value`
 */
export function methodFor(schema: Schema, name: string, words: readonly string[]): SchemaMethod | undefined {
  const shown = schema.methods.find(method => method.name === name);
  const later = [ImageFactory2012, BuildAdaptor2012]
    .find(
      ({ schema: { id } }) =>
        id.packageName === schema.id.packageName && id.className === schema.id.className,
    )
    ?.schema.methods.find(method => method.name === name);
  if (shown === undefined || later === undefined) return shown ?? later;
  const has = (method: SchemaMethod, word: string): boolean =>
    method.arguments.some(argument => word.startsWith(`${argument.name}=`));
  return words.some(word => has(later, word) && !has(shown, word)) ? later : shown;
}
