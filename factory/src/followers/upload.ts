import {
  type AttributeChanges,
  type ObjectBody,
  type ObjectKind,
  pickAttributes,
  type Repository,
  type StoreRecords,
  type TransferOptions,
} from '../warehouse/index.js';

/** An object of a warehouse. */
export interface ObjectName {
  readonly kind: ObjectKind;
  /** Uuid. */
  readonly id: string;
}

/**
 * Sends an object as it is now, and before it the list of packages of an image. Of one that the warehouse has, only attributes that
 * differ are sent: images have long bodies, and another agent may have made the object.
 *
 * @returns `gone` if there is nothing to send: it was deleted, is unfinished, or is a template that is stored elsewhere
 * @throws WarehouseError, ImageError, or the reason of the signal
 */
export async function upload(
  { kind, id }: ObjectName,
  records: StoreRecords,
  warehouse: Repository,
  options: TransferOptions = {},
): Promise<'sent' | 'gone'> {
  const attributes = await records.attributes(kind, id);
  if (attributes === undefined) return 'gone';
  const { icicle } = attributes;
  if (icicle !== undefined && (await warehouse.get('icicle', icicle, options)) === undefined)
    await make('icicle', icicle, {}, await records.body('icicle', icicle));
  const known = await warehouse.get(kind, id, options);
  if (known === undefined) {
    await make(kind, id, pickAttributes(kind, attributes), await records.body(kind, id));
    return 'sent';
  }
  const there: Readonly<Record<string, string | undefined>> = known.attributes;
  const changes: Record<string, string | null> = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== there[name]) changes[name] = value;
    // Values of other agents stay.
    if (value === undefined && (await isOurs(name, there[name]))) changes[name] = null;
  }
  if (Object.keys(changes).length > 0) await warehouse.setAttributes(kind, id, changes, options);
  return 'sent';

  async function make<K extends ObjectKind>(
    as: K,
    name: string,
    values: AttributeChanges<K>,
    body: ObjectBody,
  ): Promise<void> {
    await warehouse.put(as, name, values, body, options);
  }

  /** Whether a value says that one of this image's builds was the latest, by the record of this factory. */
  async function isOurs(name: string, value: string | undefined): Promise<boolean> {
    return kind === 'image' && name.startsWith('latest_') && value !== undefined
      ? await records.isBuildOf(id, value)
      : false;
  }
}
