import { randomUUID } from 'node:crypto';
import type { ConnectedConsole } from '@imagefactory/console-client';
import {
  type ConsoleAgent,
  type DataAddress,
  integerOf,
  type PlainMap,
  type SchemaId,
  textOf,
  type Value,
} from '@imagefactory/qmf';
import { decodeMap } from '@imagefactory/qmf/wire';
import { there } from './session-2012.js';

/**
 * Calls a method as the Python bindings of 2011 and 2012 do: arguments by position, under the names and in the number that the class shows;
 * what they are is not looked at.
 */
export async function callByPosition(
  agent: ConsoleAgent,
  address: DataAddress,
  name: string,
  ...values: readonly unknown[]
): Promise<PlainMap> {
  const [object] = await agent.query({ address });
  const { methods } = await agent.schema(there(there(object).schemaId));
  const method = methods.find(one => one.name === name);
  if (method === undefined) throw new Error(`Unknown attribute: ${name}`);
  const inputs = method.arguments.filter(({ direction }) => direction !== 'O');
  if (inputs.length !== values.length) {
    throw new Error(`Wrong number of arguments: expected ${inputs.length}, got ${values.length}`);
  }
  const named = Object.fromEntries(inputs.map((input, index) => [input.name, values[index]]));
  // Nothing of the factory's answers is a uuid, which alone is no plain value.
  return (await agent.invoke(address, name, undefined, named, {})) as PlainMap;
}

/** A class as an answer in the binary form of QMFv1 tells it. */
export interface SchemaOfOld {
  readonly properties: readonly string[];
  readonly methods: Readonly<Record<string, readonly string[]>>;
}

/** Asks for a class in the binary form of QMFv1, which the Python console does whatever an agent offers. */
export async function askAsOfOld(
  { connection }: ConnectedConsole,
  agent: string,
  id: SchemaId,
): Promise<SchemaOfOld> {
  const key = `direct-console.${randomUUID()}`;
  let unbind = (): void => undefined;
  try {
    const answer = await new Promise<Buffer>((resolve, reject) => {
      const ask = async (): Promise<void> => {
        unbind = await connection.bind(
          { exchange: 'qmf.default.topic', exchangeType: 'topic', key, create: false },
          ({ body }) => {
            if (body.form === 'data') resolve(Buffer.from(body.bytes));
          },
        );
        await connection.send(
          {
            to: { node: 'qmf.default.direct', subject: agent },
            replyTo: { node: 'qmf.default.topic', subject: key },
            headers: new Map(),
            body: { form: 'data', bytes: requestFor(id) },
          },
          { whileAway: 'fail' },
        );
      };
      ask().catch(reject);
      setTimeout(() => reject(new Error('there was no answer within a minute')), 60_000).unref();
    });
    return read(answer);
  } finally {
    unbind();
  }
}

function requestFor({ packageName, className, hash }: SchemaId): Buffer {
  return Buffer.concat([
    Buffer.from('AM2S\0\0\0\x07', 'latin1'),
    ...[packageName, className].flatMap(text => [Buffer.from([text.length]), Buffer.from(text)]),
    there(hash).bytes,
  ]);
}

/** Header, kind, two names, hash; counts of properties, statistics and methods; then a map for each, and one for each argument. */
function read(bytes: Buffer): SchemaOfOld {
  if (bytes.toString('latin1', 0, 8) !== 'AM2s\0\0\0\x07') throw new Error('this answers something else');
  let at = 9;
  for (let names = 0; names < 2; names++) at += 1 + there(bytes[at]);
  at += 16;
  const properties = bytes.readUInt16BE(at);
  const methods = bytes.readUInt16BE(at + 4);
  at += 6;
  const next = (): ReadonlyMap<string, Value> => {
    const end = at + 4 + bytes.readUInt32BE(at);
    const map = decodeMap(bytes.subarray(at, end));
    at = end;
    return map;
  };
  const name = (map: ReadonlyMap<string, Value>): string => there(textOf(map.get('name')));
  return {
    properties: Array.from({ length: properties }, () => name(next())),
    methods: Object.fromEntries(
      Array.from({ length: methods }, () => {
        const method = next();
        const count = there(integerOf(method.get('argCount')));
        return [name(method), Array.from({ length: count }, () => name(next()))];
      }),
    ),
  };
}
