import { type ConsoleAgent, type Schema, type SchemaProperty, severityWords } from '@imagefactory/qmf';
import { type ClassName, describeClass, parseClassName } from '../args/class-name.js';
import { signatureOf } from '../args/signature.js';
import { type Context, requestOptions } from '../context.js';
import { toCliError } from '../errors.js';
import { exitCodes } from '../exit-codes.js';
import { chosenAgents } from '../lookup/agents.js';
import { type ClassList, classLists, schemasOf, unknownClassError } from '../lookup/classes.js';

/** Lists the classes that agents publish, or shows one of them. */
export async function schemaCommand(context: Context, className: string | undefined): Promise<number> {
  const agents = await chosenAgents(context);
  const lists = await classLists(agents, requestOptions(context));
  return className === undefined
    ? listClasses(context, lists)
    : showClass(context, lists, parseClassName(className));
}

function listClasses(context: Context, lists: readonly ClassList[]): number {
  const { out } = context;
  let failure: number = exitCodes.ok;
  const rows: string[][] = [];
  for (const list of lists) {
    if (list.kind === 'unlisted') {
      out.note(`${list.agent.name} does not list its classes; ask for one by name, such as: schema broker`);
    } else if (list.kind === 'failed') {
      const error = toCliError(list.error);
      out.error(error);
      failure = error.exitCode;
    } else {
      for (const id of list.ids) {
        const { packageName, className } = id;
        const kind = id.kind === '_event' ? 'event' : 'data';
        if (out.json) {
          out.object({
            agent: list.agent.name,
            package: packageName,
            class: className,
            kind,
            hash: id.hash ?? null,
          });
        } else rows.push([packageName, className, kind, list.agent.name]);
      }
    }
  }
  if (rows.length > 0) {
    out.table(
      [
        { title: 'PACKAGE' },
        { title: 'CLASS', style: 'cyan', keep: true },
        { title: 'KIND' },
        ...(lists.length > 1 ? [{ title: 'AGENT' }] : []),
      ],
      rows,
    );
  }
  return failure;
}

async function showClass(context: Context, lists: readonly ClassList[], name: ClassName): Promise<number> {
  const { out } = context;
  const found = await Promise.all(
    lists.map(async list => {
      const schemas = await schemasOf(list, name, requestOptions(context));
      return schemas.map(schema => ({ agent: list.agent, schema }));
    }),
  );
  const byHash = new Map<string, { readonly schema: Schema; readonly agents: ConsoleAgent[] }>();
  for (const { agent, schema } of found.flat()) {
    const key = `${describeClass(schema.id)} ${schema.id.hash.toString()}`;
    const entry = byHash.get(key) ?? { schema, agents: [] };
    entry.agents.push(agent);
    byHash.set(key, entry);
  }
  if (byHash.size === 0) throw unknownClassError(`no class '${describeClass(name)}'`, lists);
  let first = true;
  for (const { schema, agents } of byHash.values()) {
    if (out.json) out.object(schemaToJson(schema, agents));
    else {
      if (!first) out.line();
      printSchema(context, schema, agents);
    }
    first = false;
  }
  return exitCodes.ok;
}

function printSchema({ out }: Context, schema: Schema, agents: readonly ConsoleAgent[]): void {
  const { id, desc, properties, methods } = schema;
  const isEvent = id.kind === '_event';
  const kind = isEvent ? `event, severity ${severityWords[schema.defaultSeverity]}` : 'data';
  out.line({ text: describeClass(id), style: 'bold' }, `  (${kind})`);
  if (desc !== '') out.line('  ', desc);
  out.line({ text: `  hash ${id.hash.toString()}`, style: 'dim' });
  out.line({ text: `  at ${agents.map(({ name }) => name).join(', ')}`, style: 'dim' });
  if (properties.length > 0) {
    out.line();
    propertyTable(out, isEvent ? 'FIELD' : 'PROPERTY', properties, 'ACCESS', ({ access }) => access);
  }
  for (const method of methods) {
    out.line();
    out.line({ text: signatureOf(method), style: 'cyan' });
    if (method.desc !== '') out.line('  ', method.desc);
    if (method.arguments.length > 0) {
      propertyTable(out, 'ARGUMENT', method.arguments, 'DIRECTION', ({ direction }) => directions[direction]);
    }
  }
}

const directions = { I: 'in', O: 'out', IO: 'in and out' } as const;

function propertyTable(
  out: Context['out'],
  title: string,
  properties: readonly SchemaProperty[],
  lastTitle: string,
  last: (property: SchemaProperty) => string,
): void {
  const rows = properties.map(property => [
    `  ${property.name}`,
    property.type.toUpperCase(),
    last(property),
    [property.index ? 'index' : '', property.optional ? 'optional' : '', property.unit, property.desc]
      .filter(text => text !== '')
      .join(', '),
  ]);
  const hasNotes = rows.some(row => row[3] !== '');
  out.table(
    [
      { title: `  ${title}` },
      { title: 'TYPE' },
      { title: lastTitle },
      ...(hasNotes ? [{ title: 'NOTES' }] : []),
    ],
    rows,
  );
}

function schemaToJson(schema: Schema, agents: readonly ConsoleAgent[]): Readonly<Record<string, unknown>> {
  const { id, desc, properties, methods, defaultSeverity } = schema;
  return {
    package: id.packageName,
    class: id.className,
    kind: id.kind === '_event' ? 'event' : 'data',
    hash: id.hash,
    desc,
    ...(id.kind === '_event' ? { severity: severityWords[defaultSeverity] } : {}),
    properties: properties.map(propertyToJson),
    methods: methods.map(method => ({
      name: method.name,
      desc: method.desc,
      arguments: method.arguments.map(argument => ({
        ...propertyToJson(argument),
        direction: argument.direction,
      })),
    })),
    agents: agents.map(({ name }) => name),
  };
}

function propertyToJson({ name, type, access, index, optional, unit, desc }: SchemaProperty) {
  return { name, type, access, index, optional, unit, desc };
}
