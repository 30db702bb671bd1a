import { isDeepStrictEqual } from 'node:util';
import type {
  Batch,
  Change,
  Image,
  ImageInput,
  ImageSet,
  ImageStatus,
  Records,
  Store,
  TableName,
  Where,
} from '../../store/index.js';
import type {
  BuildDocument,
  ImageDocument,
  Outcome,
  ProviderImageDocument,
  TargetImageDocument,
} from './documents.js';

/** An image set as the store has it: its document, and the rows of its target and provider images. */
export interface LoadedSet {
  readonly document: ImageDocument;
  readonly rows: ReadonlyMap<string, Image>;
}

/** What an image set needs of an image beside the columns of its row; kept among the row's `properties`. */
interface SetFacts {
  /** Name of the object on the bus that shows the job; absent for what was imported. */
  readonly adaptor?: string;
  /** Place among the images of the batch. */
  readonly position?: number;
  readonly failure?: { readonly type: string; readonly at?: string };
  /** ISO 8601, UTC. */
  readonly deleted?: string;
  readonly adopted?: true;
}

/** Columns of a row that are no part of the document, such as size and digest of a body. */
export type RowFacts = Pick<Partial<Image>, 'callerImageUuid'>;

/** All records that a query finds, page by page. */
export async function allOf<T extends TableName>(
  store: Pick<Store, 'find'>,
  table: T,
  where: Where,
): Promise<readonly Records[T][]> {
  const items: Records[T][] = [];
  let after: string | undefined;
  do {
    const page = await store.find(table, { where, limit: 1000, ...(after === undefined ? {} : { after }) });
    items.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  return items;
}

/** Undefined for a set without batches, which is none. */
export async function loadSet(store: Store, id: string): Promise<LoadedSet | undefined> {
  const set = await store.get('imageSets', id);
  if (set === undefined) return undefined;
  const batches = await allOf(store, 'batches', { imageSet: id });
  const rows = new Map<string, Image>();
  for (let first = 0; first < batches.length; first += 1000) {
    const value = batches.slice(first, first + 1000).map(batch => batch.id);
    for (const row of await allOf(store, 'images', [{ field: 'batch', operator: 'in', value }]))
      rows.set(row.id, row);
  }
  return batches.length === 0 ? undefined : { document: documentOf(set, batches, [...rows.values()]), rows };
}

function documentOf(
  { id, description, latestBatch, latestUnpushed }: ImageSet,
  batches: readonly Batch[],
  rows: readonly Image[],
): ImageDocument {
  const inOrder = [...rows].sort((a, b) => (factsOf(a).position ?? 0) - (factsOf(b).position ?? 0));
  const pushes = groupedBy(inOrder, ({ kind, parent }) => (kind === 'provider' ? parent : undefined));
  const targets = groupedBy(inOrder, ({ kind, batch }) => (kind === 'target' ? batch : undefined));
  return {
    ...{ id, description },
    builds: batches.map(({ id: batch, parent, created }) => ({
      id: batch,
      ...(parent === undefined ? {} : { parent }),
      created,
      targetImages: (targets.get(batch) ?? []).map(row => ({
        id: row.id,
        target: row.target ?? '',
        ...(row.template === undefined ? {} : { template: row.template }),
        ...adaptorOf(row),
        outcome: outcomeOf(row),
        providerImages: (pushes.get(row.id) ?? []).map(pushOf),
        ...endOf(row),
      })),
    })),
    ...(latestUnpushed === undefined ? {} : { latestUnpushed }),
    ...(latestBatch === undefined ? {} : { latestBuild: latestBatch }),
  };
}

function groupedBy(
  rows: readonly Image[],
  keyOf: (row: Image) => string | undefined,
): ReadonlyMap<string, readonly Image[]> {
  const groups = new Map<string, Image[]>();
  for (const row of rows) {
    const key = keyOf(row);
    if (key === undefined) continue;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return groups;
}

function pushOf(row: Image): ProviderImageDocument {
  const { account, identifierOnProvider, provider = '' } = row;
  return {
    ...{ id: row.id, provider },
    ...adaptorOf(row),
    outcome: outcomeOf(row),
    ...(identifierOnProvider === undefined ? {} : { targetIdentifier: identifierOnProvider }),
    ...(account === undefined ? {} : { account }),
    ...endOf(row),
  };
}

/** When an image failed, and when it was deleted. */
function endOf(row: Image): Pick<TargetImageDocument, 'failed' | 'deleted'> {
  const { deleted, failure } = factsOf(row);
  return {
    ...(failure?.at === undefined ? {} : { failed: failure.at }),
    ...(deleted === undefined ? {} : { deleted }),
  };
}

function outcomeOf(row: Image): Outcome {
  const { error = '', status } = row;
  if (status === 'new' || status === 'pending' || status === 'building') return { status: 'RUNNING' };
  const { failure } = factsOf(row);
  if (failure === undefined && status !== 'failed') return { status: 'COMPLETED' };
  return { status: 'FAILED', type: failure?.type ?? 'BuildFailed', info: error };
}

/** Name of the object on the bus that shows the job of an image. */
export function adaptorOf(row: Image): { readonly adaptor?: string } {
  const { adaptor } = factsOf(row);
  return adaptor === undefined ? {} : { adaptor };
}

function factsOf({ properties }: Pick<Image, 'properties'>): SetFacts {
  // As rowOf has written them.
  return properties;
}

export interface ChangeContext {
  /** Further columns of rows, by their ids. */
  readonly facts?: ReadonlyMap<string, RowFacts> | undefined;
  /** Whether images are made by jobs of their ids; the events of both go together then. */
  readonly jobs?: boolean | undefined;
}

/** The changes of the store that make one image set of another; of `after` without builds, those that remove it. */
export function changesTo(
  before: LoadedSet | undefined,
  after: ImageDocument,
  { facts, jobs = false }: ChangeContext = {},
): readonly Change[] {
  const rows = before?.rows ?? new Map<string, Image>();
  const isGone = after.builds.length === 0;
  const staying = new Set(after.builds.flatMap(({ id }) => id));
  const images = imagesIn(after);
  const removed = [...rows.values()].filter(({ id }) => !images.has(id));
  return [
    ...(isGone ? [] : setChanges(before?.document, after)),
    ...after.builds.flatMap(build => batchChanges(before?.document, after.id, build)),
    ...[...images.values()].flatMap((image): readonly Change[] => {
      const row = rows.get(image.id);
      const { id } = image;
      const about = jobs ? { job: id } : {};
      const next = { ...rowOf(row, image), ...facts?.get(id) };
      if (row === undefined) return [{ change: 'image.put' as const, image: next, ...about }];
      if (isDeepStrictEqual({ ...row, ...next }, row)) return [];
      return [{ change: 'image.update' as const, id, values: next, ...about }];
    }),
    ...removed.map(({ id }) => ({ change: 'image.remove' as const, id })),
    ...(before?.document.builds ?? []).flatMap(({ id }) =>
      staying.has(id) ? [] : [{ change: 'batch.remove' as const, id }],
    ),
    ...(isGone && before !== undefined ? [{ change: 'image_set.remove' as const, id: after.id }] : []),
  ];
}

function setChanges(before: ImageDocument | undefined, after: ImageDocument): readonly Change[] {
  const { description, id, latestBuild, latestUnpushed } = after;
  if (
    before?.description === description &&
    before.latestBuild === latestBuild &&
    before.latestUnpushed === latestUnpushed
  )
    return [];
  const imageSet = {
    ...{ id, description },
    ...(latestBuild === undefined ? {} : { latestBatch: latestBuild }),
    ...(latestUnpushed === undefined ? {} : { latestUnpushed }),
  };
  return [{ change: 'image_set.put', imageSet }];
}

function batchChanges(
  before: ImageDocument | undefined,
  imageSet: string,
  { created, id, parent }: BuildDocument,
): readonly Change[] {
  const known = before?.builds.find(build => build.id === id);
  if (known !== undefined && known.parent === parent) return [];
  const batch = { id, imageSet, created, ...(parent === undefined ? {} : { parent }) };
  return [{ change: 'batch.put', batch }];
}

/** A target or provider image of a document, with its place in there. */
type PlacedImage = Pick<
  TargetImageDocument,
  'id' | 'adaptor' | 'outcome' | 'failed' | 'deleted' | 'adopted'
> &
  Pick<Image, 'template' | 'target' | 'provider' | 'identifierOnProvider' | 'account' | 'parent'> & {
    readonly kind: 'target' | 'provider';
    readonly batch: string;
    readonly position: number;
  };

function imagesIn(document: ImageDocument): ReadonlyMap<string, PlacedImage> {
  const images = new Map<string, PlacedImage>();
  for (const { id: batch, targetImages } of document.builds) {
    for (const [position, { providerImages, ...target }] of targetImages.entries()) {
      images.set(target.id, { ...target, kind: 'target', batch, position });
      for (const [index, push] of providerImages.entries()) {
        const { targetIdentifier: identifierOnProvider, ...rest } = push;
        const names = identifierOnProvider === undefined ? {} : { identifierOnProvider };
        images.set(push.id, {
          ...{ ...rest, ...names, kind: 'provider', batch, target: target.target, parent: target.id },
          position: index,
        });
      }
    }
  }
  return images;
}

function rowOf(row: Image | undefined, image: PlacedImage): ImageInput {
  const { adaptor, adopted, deleted, failed, outcome, position, ...columns } = image;
  const facts: SetFacts = {
    position,
    ...(adaptor === undefined ? {} : { adaptor }),
    ...(adopted === undefined ? {} : { adopted }),
    ...(outcome.status !== 'FAILED'
      ? {}
      : { failure: { type: outcome.type, ...(failed === undefined ? {} : { at: failed }) } }),
    ...(deleted === undefined ? {} : { deleted }),
  };
  return {
    ...{ percent: 0, activity: 'accepted', parameters: {} },
    ...row,
    ...columns,
    status: statusOf(row?.status, image),
    ...(outcome.status === 'FAILED' ? { error: outcome.info } : {}),
    ...(outcome.status === 'COMPLETED' ? { percent: 100 } : {}),
    properties: { ...row?.properties, ...facts },
  };
}

function statusOf(status: ImageStatus | undefined, { deleted, outcome }: PlacedImage): ImageStatus {
  if (deleted !== undefined) return 'deleted';
  if (outcome.status === 'COMPLETED') return 'complete';
  return outcome.status === 'FAILED' ? 'failed' : (status ?? 'pending');
}
