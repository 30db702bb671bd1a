import { readSecretFile } from '@imagefactory/text';
import {
  type Buckets,
  type OAuthCredentials,
  WarehouseError,
  WarehouseRepository,
} from '@imagefactory/factory/warehouse';
import { UsageError } from './usage-error.js';

/** The options of an image warehouse as commander reads them, under the names that the original gave them. */
export interface WarehouseFlags {
  readonly warehouse?: string;
  readonly warehouseKeyFile?: string;
  readonly warehouseSecretFile?: string;
  /** From the configuration file alone: a command line can be read by every user of the machine. */
  readonly warehouseKey?: string;
  readonly warehouseSecret?: string;
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
 * @throws UsageError or QmfError `invalid_argument` that names the option
 */
export async function warehouseOf(flags: WarehouseFlags): Promise<WarehouseRepository | undefined> {
  const { warehouse, warehouseKeyFile } = flags;
  const given = Object.values(bucketFlags).find(name => flags[name] !== undefined);
  if (warehouse === undefined) {
    const option = given ?? (warehouseKeyFile === undefined ? undefined : 'warehouse-key-file');
    if (option !== undefined) throw new UsageError(`--${option} needs --warehouse`);
    return undefined;
  }
  const oauth = await credentialsOf(flags);
  const buckets = Object.fromEntries(
    Object.entries(bucketFlags).flatMap(([kind, name]) => {
      const bucket = flags[name];
      return bucket === undefined ? [] : [[kind, bucket]];
    }),
  );
  try {
    return new WarehouseRepository(warehouse, { ...(oauth === undefined ? {} : { oauth }), buckets });
  } catch (error) {
    if (error instanceof WarehouseError) throw new UsageError(`--warehouse: ${error.message}`);
    throw error;
  }
}

/** Those of the files, else those of the configuration file; undefined when there are none. */
async function credentialsOf({
  warehouseKeyFile: keyFile,
  warehouseSecretFile: secretFile,
  warehouseKey: key,
  warehouseSecret: secret,
}: WarehouseFlags): Promise<OAuthCredentials | undefined> {
  if ((keyFile === undefined) !== (secretFile === undefined)) {
    throw new UsageError('--warehouse-key-file and --warehouse-secret-file go together');
  }
  if (keyFile !== undefined && secretFile !== undefined) {
    return {
      key: await readSecretFile(keyFile, { name: `--warehouse-key-file ${keyFile}` }),
      secret: await readSecretFile(secretFile, { name: `--warehouse-secret-file ${secretFile}` }),
    };
  }
  if ((key === undefined) !== (secret === undefined)) {
    throw new UsageError('warehouse_key and warehouse_secret of the configuration file go together');
  }
  return key === undefined || secret === undefined ? undefined : { key, secret };
}
