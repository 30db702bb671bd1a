import { readFile } from 'node:fs/promises';
import { readProblem } from '../files/read-problem.js';
import { type Buckets, WarehouseError, WarehouseRepository } from '../warehouse/index.js';
import { UsageError } from './usage-error.js';

/** The options of an image warehouse as commander reads them, under the names that the original gave them. */
export interface WarehouseFlags {
  readonly warehouse?: string;
  readonly warehouseKeyFile?: string;
  readonly warehouseSecretFile?: string;
  readonly image_bucket?: string;
  readonly build_bucket?: string;
  readonly target_bucket?: string;
  readonly template_bucket?: string;
  readonly icicle_bucket?: string;
  readonly provider_bucket?: string;
}

const bucketFlags = {
  image: 'image_bucket',
  build: 'build_bucket',
  target_image: 'target_bucket',
  template: 'template_bucket',
  icicle: 'icicle_bucket',
  provider_image: 'provider_bucket',
} as const satisfies Readonly<Record<keyof Buckets, keyof WarehouseFlags>>;

/**
 * The warehouse that the command line names, if any.
 *
 * @throws UsageError that names the option
 */
export async function warehouseOf(flags: WarehouseFlags): Promise<WarehouseRepository | undefined> {
  const { warehouse, warehouseKeyFile, warehouseSecretFile } = flags;
  const given = Object.values(bucketFlags).find(name => flags[name] !== undefined);
  if (warehouse === undefined) {
    const option = given ?? (warehouseKeyFile === undefined ? undefined : 'warehouse-key-file');
    if (option !== undefined) throw new UsageError(`--${option} needs --warehouse`);
    return undefined;
  }
  if ((warehouseKeyFile === undefined) !== (warehouseSecretFile === undefined)) {
    throw new UsageError('--warehouse-key-file and --warehouse-secret-file go together');
  }
  const oauth =
    warehouseKeyFile === undefined || warehouseSecretFile === undefined
      ? {}
      : {
          oauth: {
            key: await firstLine('--warehouse-key-file', warehouseKeyFile),
            secret: await firstLine('--warehouse-secret-file', warehouseSecretFile),
          },
        };
  const buckets = Object.fromEntries(
    Object.entries(bucketFlags).flatMap(([kind, name]) => {
      const bucket = flags[name];
      return bucket === undefined ? [] : [[kind, bucket]];
    }),
  );
  try {
    return new WarehouseRepository(warehouse, { ...oauth, buckets });
  } catch (error) {
    if (error instanceof WarehouseError) throw new UsageError(`--warehouse: ${error.message}`);
    throw error;
  }
}

async function firstLine(option: string, path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).split(/\r?\n/, 1)[0] ?? '';
  } catch (error) {
    throw new UsageError(`${option} ${path} cannot be read: ${readProblem(error)}`);
  }
}
