import { type ConsoleAgent, QmfError, type QueryInput, type RemoteObject } from '@imagefactory/qmf';
import { parsePredicate, parseQuery, type Predicate } from '@imagefactory/qmf/query';
import { type ClassName, describeClass, parseClassName } from '../args/class-name.js';
import { type Context, requestOptions } from '../context.js';
import { toCliError, usageError } from '../errors.js';
import { exitCodes } from '../exit-codes.js';
import { chosenAgents } from '../lookup/agents.js';
import { classLists, distinctClasses, matchingIds, unknownClassError } from '../lookup/classes.js';
import { objectsByName } from '../lookup/objects.js';
import { attributesIn, unknownProperties } from '../lookup/properties.js';
import { isoTime } from '../../terminal/time.js';
import { showValue } from '../../terminal/values.js';
import { displayWidth, padTo } from '../../terminal/width.js';

export interface QueryOptions {
  readonly where?: string;
  /** Names of properties to show as a table. */
  readonly columns?: string;
}

/** Columns of a terminal; a uuid has 36. */
const LONGEST_KEPT = 40;

/** What the user asked for, before it is known which agents have it. */
interface Request {
  readonly name: ClassName;
  readonly where: Predicate | undefined;
  /** The text as it stands may be the name of an object too. */
  readonly mayBeObject: string | undefined;
  /** The error of a text that looks like a query and is none; it is for the user if no object has that name. */
  readonly problem?: QmfError;
}

interface Target {
  readonly agent: ConsoleAgent;
  readonly input: QueryInput;
}

/** Asks all agents, or those that are chosen, for objects of a class, or for one by its name. */
export async function queryCommand(context: Context, text: string, options: QueryOptions): Promise<number> {
  const request = readRequest(text, options.where);
  const agents = await chosenAgents(context);
  const lists = await classLists(agents, requestOptions(context));
  const targets = lists.flatMap((list): Target[] => {
    const classes =
      list.kind === 'listed' ? distinctClasses(matchingIds(list.ids, request.name)) : [request.name];
    return list.kind === 'failed'
      ? []
      : classes.map(name => ({ agent: list.agent, input: classQuery(name, request.where) }));
  });
  const isListed = lists.some(
    list => list.kind === 'listed' && matchingIds(list.ids, request.name).length > 0,
  );
  const printer = new ObjectPrinter(context, options.columns);
  let failure = await askAll(context, targets, printer);
  if (printer.printed === 0 && !isListed && request.mayBeObject !== undefined) {
    const objectName = request.mayBeObject;
    const found = await Promise.all(
      agents.map(agent => objectsByName(agent, objectName, requestOptions(context))),
    );
    for (const object of found.flat()) printer.print(object);
  }
  printer.end();
  if (printer.printed === 0 && request.problem !== undefined) throw request.problem;
  if (printer.printed === 0 && failure === undefined && !isListed) {
    const what = request.mayBeObject === undefined ? 'no class' : 'no class and no object';
    throw unknownClassError(`${what} '${request.mayBeObject ?? describeClass(request.name)}'`, lists);
  }
  for (const list of lists) {
    if (list.kind !== 'failed') continue;
    const error = toCliError(list.error);
    context.out.error(error);
    failure ??= error.exitCode;
  }
  if (printer.printed === 0 && failure === undefined) {
    const which = request.where === undefined ? 'there' : 'there for which that holds';
    context.out.note(`no object of class ${describeClass(request.name)} is ${which}`);
    const asked = request.where === undefined ? [] : attributesIn(request.where);
    const remark = await unknownProperties(asked, request.name, lists, requestOptions(context));
    if (remark !== undefined) context.out.note(`${remark}; a text to compare with is [quote, TEXT]`);
  }
  const remark = await unknownProperties(printer.empty, request.name, lists, requestOptions(context));
  if (remark !== undefined) context.out.note(remark);
  return failure ?? (printer.printed === 0 ? exitCodes.notFound : exitCodes.ok);
}

function readRequest(text: string, where: string | undefined): Request {
  const more = where === undefined ? undefined : parsePredicate(where);
  // A predicate is about many; with one, the text can only be a class or a query.
  const mayBeObject = more === undefined ? text : undefined;
  if (text.trimStart().startsWith('{')) {
    try {
      const query = parseQuery(text);
      const name = { packageName: query.package, className: query.class };
      return { name, where: both(query.where, more), mayBeObject };
    } catch (error) {
      if (mayBeObject === undefined) throw error;
      const problem = QmfError.from(error, 'invalid_query');
      return { name: { packageName: '', className: text }, where: undefined, mayBeObject, problem };
    }
  }
  if (text === '')
    throw usageError('the query is empty', "write CLASS, PACKAGE:CLASS or {class:C, package:'p'}");
  return { name: parseClassName(text), where: more, mayBeObject };
}

function both(left: Predicate | undefined, right: Predicate | undefined): Predicate | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  return { op: 'and', terms: [left, right] };
}

function classQuery(name: ClassName, where: Predicate | undefined): QueryInput {
  return where === undefined || where.op === 'true' ? name : { ...name, where };
}

/** Asks all agents at the same time, so that a silent one delays no other answer. Returns the exit code of the first failure. */
async function askAll(
  context: Context,
  targets: readonly Target[],
  printer: ObjectPrinter,
): Promise<number | undefined> {
  const failures = await Promise.all(
    targets.map(async ({ agent, input }) => {
      try {
        for await (const object of agent.queryStream(input, requestOptions(context))) {
          printer.print(object);
          await context.out.drained(context.signal);
        }
        return undefined;
      } catch (error) {
        if (error instanceof QmfError && error.code === 'aborted') throw error;
        const shown = toCliError(error);
        context.out.error(shown);
        return shown.exitCode;
      }
    }),
  );
  return failures.find(code => code !== undefined);
}

/** Objects as JSON lines, as blocks, or as a table of chosen properties. */
class ObjectPrinter {
  printed = 0;
  readonly #columns: readonly string[] | undefined;
  readonly #rows: string[][] = [];
  readonly #seen = new Set<string>();

  constructor(
    private readonly context: Context,
    columns: string | undefined,
  ) {
    this.#columns = columns?.split(',').map(name => name.trim());
  }

  print(object: RemoteObject): void {
    const { out } = this.context;
    this.printed++;
    if (out.json) out.object(objectToJson(object));
    else if (this.#columns === undefined) this.#block(object);
    else {
      const { address, values } = object;
      for (const name of Object.keys(values)) this.#seen.add(name);
      this.#rows.push([
        address?.objectName ?? '-',
        ...this.#columns.map(name => (Object.hasOwn(values, name) ? showValue(values[name] ?? null) : '-')),
      ]);
    }
  }

  /** Columns of which no object has had a value. */
  get empty(): readonly string[] {
    return this.#rows.length === 0 ? [] : (this.#columns ?? []).filter(name => !this.#seen.has(name));
  }

  end(): void {
    if (this.#columns === undefined || this.#rows.length === 0) return;
    // Who has chosen columns wants to read and copy what is in them: long texts alone are cut.
    const isShort = (column: number): boolean =>
      this.#rows.every(row => displayWidth(row[column] ?? '') <= LONGEST_KEPT);
    this.context.out.table(
      [
        { title: 'OBJECT', style: 'cyan', keep: true },
        ...this.#columns.map((title, index) => ({ title, keep: isShort(index + 1) })),
      ],
      this.#rows,
    );
  }

  #block(object: RemoteObject): void {
    const { out } = this.context;
    const { address, agent, schemaId, values } = object;
    if (this.printed > 1) out.line();
    out.line({ text: address?.objectName ?? '(no object name)', style: 'bold' });
    out.line({
      text: `  ${schemaId === undefined ? 'no class' : describeClass(schemaId)} at ${agent.name}`,
      style: 'dim',
    });
    const names = Object.keys(values);
    const width = Math.max(0, ...names.map(displayWidth));
    for (const name of names) {
      const value = showValue(values[name] ?? null);
      const lines = value.trimEnd().split('\n');
      // Such as a template: as it was written, below its name.
      if (lines.length > 1)
        for (const text of [`  ${name}`, ...lines.map(line => `    ${line}`)]) out.line(text);
      else out.line('  ', padTo(name, width, 'left'), '  ', value);
    }
  }
}

export function objectToJson(object: RemoteObject): Readonly<Record<string, unknown>> {
  const { agent, address, schemaId, values, item } = object;
  const times = { created: item.createTime, updated: item.updateTime, deleted: item.deleteTime };
  return {
    agent: agent.name,
    object: address?.objectName ?? null,
    epoch: address?.agentEpoch ?? null,
    package: schemaId?.packageName ?? null,
    class: schemaId?.className ?? null,
    values,
    ...Object.fromEntries(
      Object.entries(times)
        .filter((entry): entry is [string, bigint] => entry[1] !== undefined && entry[1] > 0n)
        .map(([name, time]) => [name, isoTime(time)]),
    ),
  };
}
