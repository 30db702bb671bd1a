import {
  addressFromPlain,
  type ConsoleAgent,
  type DataAddress,
  type PlainList,
  type PlainMap,
  type RequestOptions,
} from '@imagefactory/qmf';
import { mapIn, mapOf, numberIn, optionalTextIn, textIn } from '../answers.js';
import { recordsOf } from './records-object.js';

type Scalar = string | number | boolean | null;

/** A value that a field must have: one, one of several, or as operators say. `~` finds a text within a text. */
export type FieldCondition =
  | Scalar
  | readonly Scalar[]
  | { readonly [operator in '=' | '!=' | '<' | '<=' | '>' | '>=' | '~']?: Scalar };

/**
 * A query of records. Fields are named as in the records, or as on the bus (`identifierOnProvider`, `identifier_on_provider`); those inside of a JSON
 * value follow after a dot, in their own spelling (`parameters.diskSize`).
 */
export interface RecordQuery {
  /** All must hold. */
  readonly where?: Readonly<Record<string, FieldCondition>>;
  /** Fields to sort by, with `-` in front to descend. Default: the oldest first. */
  readonly sort?: readonly string[];
  /** Records of the page, 1 to 1 000; default 100. */
  readonly limit?: number;
  /** `next` of the page before, with the same sort. */
  readonly after?: string;
}

export interface RecordPage<T> {
  readonly items: readonly T[];
  /** Absent after the last page. */
  readonly next?: string;
}

interface CommonFields {
  readonly id: string;
  readonly status: string;
  readonly parent?: string;
  readonly template?: string;
  readonly target?: string;
  readonly provider?: string;
  /** 0 to 100. */
  readonly percent: number;
  readonly activity: string;
  /** ISO 8601, UTC. */
  readonly created: string;
  readonly modified: string;
  /** All fields of the record by their names on the bus. */
  readonly values: PlainMap;
}

/** A job of a factory. */
export interface JobRecord extends CommonFields {
  /** `base`, `target`, `provider` or `delete`. */
  readonly kind: string;
  /** Uuid of the image that it makes or deletes. */
  readonly image?: string;
  readonly ended?: string;
  /** Its adaptor, which `factory.build()` takes. */
  readonly address?: DataAddress;
  /** Only once it has failed. */
  readonly error?: { readonly type: string; readonly reason: string };
}

/** An image of a factory. */
export interface StoredImage extends CommonFields {
  /** `base`, `target` or `provider`. */
  readonly kind: string;
  /** Uuid of the build that it belongs to. */
  readonly batch?: string;
  readonly identifierOnProvider?: string;
  readonly account?: string;
  /** One line. */
  readonly error?: string;
}

export async function jobsOf(
  agent: ConsoleAgent,
  query: RecordQuery,
  options: RequestOptions,
): Promise<RecordPage<JobRecord>> {
  const records = await recordsOf(agent, 'a list of jobs', options);
  return pageFrom(await records.call('jobs', inputsOf(query), options), map => ({
    ...commonFrom(map),
    ...optionalTextIn(map, 'image'),
    ...optionalTextIn(map, 'ended'),
    ...(map['addr'] === undefined ? {} : { address: addressFromPlain(mapIn(map, 'addr')) }),
    ...(map['error'] === undefined ? {} : { error: errorFrom(mapIn(map, 'error')) }),
  }));
}

export async function imagesOf(
  agent: ConsoleAgent,
  query: RecordQuery,
  options: RequestOptions,
): Promise<RecordPage<StoredImage>> {
  const records = await recordsOf(agent, 'a list of images', options);
  return pageFrom(await records.call('images', inputsOf(query), options), map => {
    const { identifier_on_provider: identifierOnProvider } = optionalTextIn(map, 'identifier_on_provider');
    return {
      ...commonFrom(map),
      ...optionalTextIn(map, 'batch'),
      ...(identifierOnProvider === undefined ? {} : { identifierOnProvider }),
      ...optionalTextIn(map, 'account'),
      ...optionalTextIn(map, 'error'),
    };
  });
}

function inputsOf({ where, sort, limit, after }: RecordQuery) {
  const conditions = Object.entries(where ?? {}).map(([field, value]) => [onBus(field), value] as const);
  return {
    ...(where === undefined ? {} : { where: Object.fromEntries(conditions) }),
    ...(sort === undefined ? {} : { sort: sort.map(onBus) }),
    ...(limit === undefined ? {} : { limit }),
    ...(after === undefined ? {} : { after }),
  };
}

/** The name of a field on the bus. */
function onBus(path: string): string {
  const [field = '', ...inside] = path.split('.');
  const name = field.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);
  return [name, ...inside].join('.');
}

function pageFrom<T>(
  { items, next }: { readonly items: PlainList; readonly next?: string | null },
  recordFrom: (map: PlainMap) => T,
): RecordPage<T> {
  const records = items.map(item => recordFrom(mapOf(item, 'items')));
  return { items: records, ...(typeof next === 'string' ? { next } : {}) };
}

function commonFrom(map: PlainMap): CommonFields & { readonly kind: string } {
  return {
    id: textIn(map, 'id'),
    kind: textIn(map, 'kind'),
    status: textIn(map, 'status'),
    ...optionalTextIn(map, 'parent'),
    ...optionalTextIn(map, 'template'),
    ...optionalTextIn(map, 'target'),
    ...optionalTextIn(map, 'provider'),
    percent: numberIn(map, 'percent'),
    activity: textIn(map, 'activity'),
    created: textIn(map, 'created'),
    modified: textIn(map, 'modified'),
    values: map,
  };
}

function errorFrom(map: PlainMap): { readonly type: string; readonly reason: string } {
  return { type: textIn(map, 'type'), reason: textIn(map, 'reason') };
}
