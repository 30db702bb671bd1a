import type { StoreEvent, StoreReader } from '../store/index.js';
import { objectKinds } from '../warehouse/index.js';
import { undoneTasks } from './positions.js';
import type { ObjectName } from './upload.js';

/** Name of the uploader's position in the store. */
export const uploaderName = 'warehouse';

/** Types of the events that the uploader reads. */
export const uploaderTypes = ['image.state', 'job.state'] as const;

/** The tasks of the uploader that an event leads to. */
export async function tasksOf(store: StoreReader, { image, type }: StoreEvent): Promise<readonly string[]> {
  return type === 'image.state' && image !== undefined ? await objectsOf(store, image) : [];
}

/** The objects that a change of an image may have changed, in the order in which they are sent. */
export async function objectsOf(store: StoreReader, id: string): Promise<readonly string[]> {
  const image = await store.get('images', id);
  if (image?.batch === undefined) return [];
  // It comes from the warehouse.
  if (image.properties['adopted'] === true) return [];
  const set = (await store.get('batches', image.batch))?.imageSet;
  const about: readonly (readonly [ObjectName['kind'], string | undefined])[] = [
    ...(image.kind === 'target' ? [['template', image.template] as const] : []),
    ['build', image.batch],
    [`${image.kind === 'provider' ? 'provider' : 'target'}_image`, image.id],
    ['image', set],
  ];
  return about.flatMap(([kind, uuid]) => (uuid === undefined ? [] : [taskOf({ kind, id: uuid })]));
}

export function taskOf({ kind, id }: ObjectName): string {
  return `${kind}/${id}`;
}

export function nameOf(task: string): ObjectName {
  const [word, id] = task.split('/');
  const kind = objectKinds.find(one => one === word);
  if (kind === undefined || id === undefined) throw new Error(`${task} is no task of the uploader`);
  return { kind, id };
}

/** The objects that have not reached the warehouse, as the store has them. */
export async function waitingFor(store: StoreReader): Promise<readonly ObjectName[]> {
  const tasks = await undoneTasks(store, uploaderName, uploaderTypes, event => tasksOf(store, event));
  return tasks.map(nameOf);
}
