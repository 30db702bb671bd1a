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
import { imageTransitions } from '../../store/index.js';
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
}

/** Columns of a row that are no part of the document, such as size and digest of a body. */
export type RowFacts = Partial<
  Pick<Image, 'parent' | 'percent' | 'activity' | 'format' | 'size' | 'sha256' | 'os' | 'callerImageUuid'>
>;

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
    ...(latestBatch === undefined ? {} : { latestBuild: latestBatch }),
    ...(latestUnpushed === undefined ? {} : { latestUnpushed }),
    builds: batches.map(({ id: batch, parent, created }) => ({
      id: batch,
      ...(parent === undefined ? {} : { parent }),
      created,
      targetImages: (targets.get(batch) ?? []).map(row => ({
        ...madeOf(row),
        target: row.target ?? '',
        ...(row.template === undefined ? {} : { template: row.template }),
        providerImages: (pushes.get(row.id) ?? []).map(pushOf),
      })),
    })),
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
    ...madeOf(row),
    provider,
    ...(identifierOnProvider === undefined ? {} : { targetIdentifier: identifierOnProvider }),
    ...(account === undefined ? {} : { account }),
  };
}

/** The part of a document that target and provider images have in common. */
function madeOf(row: Image): Pick<TargetImageDocument, 'id' | 'adaptor' | 'outcome' | 'failed' | 'deleted'> {
  const { adaptor, deleted, failure } = factsOf(row);
  return {
    id: row.id,
    ...(adaptor === undefined ? {} : { adaptor }),
    outcome: outcomeOf(row),
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
    ...[...images.values()].flatMap(image => {
      const row = rows.get(image.id);
      const next = { ...rowOf(row, image), ...facts?.get(image.id) };
      if (row !== undefined && isDeepStrictEqual({ ...row, ...next }, row)) return [];
      return puts(row?.status, next, jobs ? image.id : undefined);
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
type PlacedImage = Pick<TargetImageDocument, 'id' | 'adaptor' | 'outcome' | 'failed' | 'deleted'> &
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

/** Puts an image there, by way of the statuses that lead from one to the other. */
export function puts(from: ImageStatus | undefined, image: ImageInput, job?: string): readonly Change[] {
  return wayTo(from, image.status).map(status => ({
    change: 'image.put' as const,
    image: { ...image, status },
    ...(job === undefined ? {} : { job }),
  }));
}

function wayTo(from: ImageStatus | undefined, to: ImageStatus): readonly ImageStatus[] {
  if (from === undefined || from === to) return [to];
  const ways = new Map<ImageStatus, readonly ImageStatus[]>([[from, []]]);
  for (const [status, way] of ways)
    for (const next of imageTransitions[status]) if (!ways.has(next)) ways.set(next, [...way, next]);
  return ways.get(to) ?? [to];
}

function rowOf(row: Image | undefined, image: PlacedImage): ImageInput {
  const { adaptor, deleted, failed, outcome, position, ...columns } = image;
  const facts: SetFacts = {
    position,
    ...(adaptor === undefined ? {} : { adaptor }),
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
