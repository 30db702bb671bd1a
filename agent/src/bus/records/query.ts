import type { InputsOf, Plain, PlainList, PlainMap } from '@imagefactory/qmf';
import type { Condition, Query, Scalar, SortKey } from '@imagefactory/factory/store';
import { type FactoryRecords, RECORDS_PAGE } from '@imagefactory/schema';
import { invalid } from '../refusal.js';

const operators = ['=', '!=', '<', '<=', '>', '>=', '~'] as const;

/**
 * The query of a call.
 *
 * @param fields those that records are shown with
 * @throws AgentException that names the argument, and the fields that there are
 */
export function queryOf(
  { where, sort, limit, after }: InputsOf<typeof FactoryRecords, 'jobs'>,
  fields: readonly string[],
): Query {
  const known = (argument: string, path: string): string => {
    const [field = ''] = path.split('.');
    if (fields.includes(field)) return path;
    throw invalid(argument, `there is no field ${shown(path)}; there are ${fields.join(', ')}`);
  };
  const conditions = Object.entries(where ?? {}).flatMap(([path, value]) =>
    conditionsOf(known('where', path), value),
  );
  return {
    ...{ where: conditions, limit: pageSize(limit) },
    ...(sort === undefined ? {} : { sort: sortKeys(sort, known) }),
    ...(after === undefined ? {} : { after }),
  };
}

/** Records of a page; more than the most are not given. @throws AgentException */
export function pageSize(limit: number | undefined): number {
  if (limit === undefined) return 100;
  if (!(limit >= 1)) throw invalid('limit', 'a number from 1 on is expected');
  return Math.min(limit, RECORDS_PAGE);
}

function conditionsOf(field: string, value: Plain): readonly Condition[] {
  if (isList(value)) return [{ field, operator: 'in', value: value.map(one => scalar(field, one)) }];
  if (!isMap(value)) return [{ field, operator: '=', value: scalar(field, value) }];
  return Object.entries(value).map(([word, operand]) => {
    const operator = operators.find(one => one === word);
    if (operator === undefined) {
      throw invalid(
        'where',
        `${field}: there is no operator ${shown(word)}; there are ${operators.join(' ')}`,
      );
    }
    return { field, operator, value: scalar(field, operand) };
  });
}

function scalar(field: string, value: Plain): Scalar {
  if (typeof value === 'bigint') return Number(value);
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return value;
  throw invalid('where', `${field}: a text, a number, a boolean or null is expected`);
}

function sortKeys(sort: PlainList, known: (argument: string, path: string) => string): readonly SortKey[] {
  return sort.map(key => {
    if (typeof key !== 'string') throw invalid('sort', 'a list of names of fields is expected');
    const descending = key.startsWith('-');
    return { field: known('sort', descending ? key.slice(1) : key), descending };
  });
}

function isList(value: Plain): value is PlainList {
  return Array.isArray(value);
}

function isMap(value: Plain): value is PlainMap {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}
