import { QmfError } from '@imagefactory/qmf';
import { readCallArguments } from '../args/call-arguments.js';
import { readText } from '../args/text-file.js';
import { type Context, requestOptions } from '../context.js';
import { notFoundError } from '../errors.js';
import { exitCodes } from '../exit-codes.js';
import { methodFor } from '../lookup/methods.js';
import { findObject } from '../lookup/objects.js';
import { showValue } from '../../terminal/values.js';
import { displayWidth, padTo } from '../../terminal/width.js';

/** Calls a method of an object. Arguments are checked against the object's schema before anything is sent. */
export async function callCommand(
  context: Context,
  objectText: string,
  methodName: string,
  words: readonly string[],
): Promise<number> {
  const { out } = context;
  const options = requestOptions(context);
  const object = await findObject(context, objectText);
  const { agent, address, schemaId } = object;
  if (schemaId === undefined) {
    throw new QmfError('schema_unknown', `${address.objectName} has no class, so its methods are not known`);
  }
  const schema = await agent.schema(schemaId, options);
  const method = methodFor(schema, methodName, words);
  if (method === undefined) {
    throw notFoundError(
      `${schema.id.className} has no method '${methodName}'`,
      schema.methods.length === 0
        ? 'it has none'
        : `it has ${schema.methods.map(({ name }) => name).join(', ')}`,
    );
  }
  context.onMethod?.(method);
  const inputs = await readCallArguments(method, words, {
    readText: (path, what) => readText(context, what, path),
  });
  const outputs = await agent.invoke(address, methodName, method, inputs, options);
  if (out.json) {
    out.object({ agent: agent.name, object: address.objectName, method: methodName, outputs });
    return exitCodes.ok;
  }
  const names = Object.keys(outputs);
  const width = Math.max(0, ...names.map(displayWidth));
  for (const name of names) out.line(padTo(name, width, 'left'), '  ', showValue(outputs[name] ?? null));
  if (names.length === 0) out.note(`${methodName}: done`);
  return exitCodes.ok;
}
