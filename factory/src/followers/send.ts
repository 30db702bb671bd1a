import type { ImageSets } from '../images/index.js';
import type { RecordedThing } from './changes.js';
import {
  type AttributeChanges,
  type CatalogRecords,
  type ObjectBody,
  type ObjectKind,
  pickAttributes,
  type Repository,
  type TransferOptions,
} from '../warehouse/index.js';

/** Where things are sent from and to. */
export interface Route {
  readonly catalog: ImageSets;
  readonly records: CatalogRecords;
  readonly warehouse: Repository;
}

/**
 * Sends a thing as it is now, with what it refers to and nobody else sends: the list of packages of an image. What the warehouse has already
 * only gets the attributes that have changed: images have long bodies, and another agent may be the one that made the object.
 *
 * @returns `gone` when there is nothing to send: it was deleted here, or it is a template that somebody else has stored
 * @throws WarehouseError, ImageError, or the reason of the signal
 */
export async function send(
  { kind, id }: RecordedThing,
  { catalog, records, warehouse }: Route,
  options: TransferOptions = {},
): Promise<'sent' | 'gone'> {
  const attributes = await records.attributes(kind, id);
  if (attributes === undefined) return 'gone';
  const icicle = attributes['icicle'];
  if (icicle !== undefined) {
    await make('icicle', icicle, {}, await records.body('icicle', icicle));
  }
  const known = await warehouse.get(kind, id, options);
  if (known === undefined)
    await make(kind, id, pickAttributes(kind, attributes), await records.body(kind, id));
  else {
    const there: Readonly<Record<string, string | undefined>> = known.attributes;
    const changes: Record<string, string | null> = {};
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== undefined && value !== there[name]) changes[name] = value;
      // What another agent has written is not ours to take away.
      if (value === undefined && (await isOurs(name, there[name]))) changes[name] = null;
    }
    if (Object.keys(changes).length > 0) await warehouse.setAttributes(kind, id, changes, options);
  }
  return 'sent';

  async function make<K extends ObjectKind>(
    as: K,
    name: string,
    values: AttributeChanges<K>,
    body: ObjectBody,
  ): Promise<void> {
    if (as === 'icicle' && (await warehouse.get(as, name, options)) !== undefined) return;
    await warehouse.put(as, name, values, body, options);
  }

  /** Whether a value says that one of this image's builds was the latest, by our own records. */
  async function isOurs(name: string, value: string | undefined): Promise<boolean> {
    const builds = kind === 'image' ? ((await catalog.image(id))?.builds ?? []) : [];
    return /^latest_/.test(name) && builds.some(build => build.id === value);
  }
}
