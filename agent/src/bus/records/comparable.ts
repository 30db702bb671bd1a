import type { MethodCall, Plain, PlainMap } from '@imagefactory/qmf';
import { publicDescriptor, readElsewhere } from '@imagefactory/factory/templates';
import { createMask } from '@imagefactory/plugin-api';

/** Arguments that are secrets. */
const secrets: ReadonlySet<string> = new Set(['credentials', 'sec_credentials']);
/** Arguments that may hold a template. */
const templates: ReadonlySet<string> = new Set(['template', 'descriptor']);
/** Arguments that may hold definitions of providers, which may have passwords. */
const providers: ReadonlySet<string> = new Set(['provider', 'providers']);

/**
 * The arguments of an order as far as they may be kept, for the comparison with those of a later one: without credentials, definitions of providers,
 * and the passwords of templates. Of the same arguments it is always the same.
 */
export async function comparable(given: PlainMap, call: MethodCall): Promise<unknown> {
  const names = Object.keys(given).filter(name => !secrets.has(name));
  return await Promise.all(
    names.sort().map(async name => {
      const value = given[name] ?? null;
      if (templates.has(name) && typeof value === 'string')
        return [name, await withoutPasswords(value, call)];
      return [name, plain(providers.has(name) ? withoutDefinitions(value) : value)];
    }),
  );
}

async function withoutPasswords(template: string, { caller, signal }: MethodCall): Promise<string> {
  if (!template.trimStart().startsWith('<')) return publicDescriptor(template, createMask([]));
  const reading = await readElsewhere(template, { form: 'build', caller: caller.key, signal });
  // An invalid one is refused, and nothing of it is kept.
  return reading.valid ? reading.shown : '';
}

function withoutDefinitions(value: Plain): Plain {
  if (Array.isArray(value)) return (value as readonly Plain[]).map(withoutDefinitions); // the only array among plain values
  return typeof value === 'string' && /^\s*[<{]/.test(value) ? '<definition>' : value;
}

/** A value that JSON has. */
function plain(value: Plain): unknown {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return (value as readonly Plain[]).map(plain); // as above
  if (typeof value === 'object' && value !== null)
    return Object.entries(value)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, item]) => [name, plain(item)]);
  return value;
}
