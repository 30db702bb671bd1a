import {
  type AnyImage,
  BaseImage,
  type GuestSystem,
  type ImageFields,
  type ImageKind,
  type Json,
  type JsonObject,
  ProviderImage,
  type StatusDetail,
  takeOver,
  TargetImage,
} from './persistent-image.js';
import { type ImageStatus, isImageStatus } from './status.js';

/** An image as it stands in its `.meta` file; fields that have no value are left out or null. */
export interface ImageRecord {
  readonly identifier: string;
  readonly type: keyof typeof kindOfType;
  readonly status: ImageStatus;
  readonly created: string;
  readonly modified: string;
  readonly revision: number;
  readonly [field: string]: Json;
}

const kindOfType = { BaseImage: 'base', TargetImage: 'target', ProviderImage: 'provider' } as const;
export const typeOfKind = { base: 'BaseImage', target: 'TargetImage', provider: 'ProviderImage' } as const;

export function kindOf(record: Pick<ImageRecord, 'type'>): ImageKind {
  return kindOfType[record.type];
}

/** What goes into the file. The names are those of the original's files, so that either can read the other's. */
export function recordOf(image: AnyImage, data: string, revision: number, modified: string): ImageRecord {
  const fields = {
    identifier: image.identifier,
    type: typeOfKind[image.kind],
    status: image.status,
    status_detail: { activity: image.statusDetail.activity, error: image.statusDetail.error ?? null },
    percent_complete: image.percentComplete,
    created: image.created,
    modified,
    revision,
    ...kindFields(image),
    format: image.format ?? null,
    size: image.size ?? null,
    sha256: image.sha256 ?? null,
    os: image.os === undefined ? null : { ...image.os },
    caller_image_uuid: image.callerImageUuid ?? null,
    parameters: image.parameters,
    properties: image.properties,
    data,
    template: image.template ?? null,
    icicle: image.icicle ?? null,
  };
  return fields;
}

function kindFields(image: AnyImage): JsonObject {
  switch (image.kind) {
    case 'base':
      return {};
    case 'target':
      return { target: image.target, base_image_id: image.baseImageId ?? null };
    case 'provider':
      return {
        provider: image.provider,
        target_image_id: image.targetImageId ?? null,
        identifier_on_provider: image.identifierOnProvider ?? null,
        provider_account_identifier: image.providerAccountIdentifier ?? null,
      };
  }
}

/**
 * The record in the text of a `.meta` file; a string says what is wrong with it. Files of this project's first version, which had neither
 * type nor status, and those of the original are read as well.
 *
 * @param identifier what the name of the file says
 * @param written when the file was written, ISO 8601
 */
export function parseRecord(text: string, identifier: string, written: string): ImageRecord | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'it is no JSON';
  }
  if (!isObject(value)) return 'it is no JSON object';
  if (value['identifier'] !== identifier) return "its identifier is not the file's";
  const type = value['type'] ?? 'TargetImage';
  if (typeof type !== 'string' || !isType(type))
    return 'its type is none of BaseImage, TargetImage and ProviderImage';
  const status = value['status'] ?? 'COMPLETE';
  if (!isImageStatus(status)) return 'its status is no status of an image';
  const wrong = Object.entries(fieldTypes).find(([name, fits]) => !fits(value[name] ?? null));
  if (wrong !== undefined) return `its field ${wrong[0]} is not of the right type`;
  const needed = type === 'TargetImage' ? 'target' : type === 'ProviderImage' ? 'provider' : undefined;
  if (needed !== undefined && typeof value[needed] !== 'string') return `it has no ${needed}`;
  const created = textIn(value, 'created') ?? written;
  return {
    ...value,
    identifier,
    type,
    status,
    created,
    modified: textIn(value, 'modified') ?? created,
    revision: typeof value['revision'] === 'number' ? value['revision'] : 1,
    caller_image_uuid: value['caller_image_uuid'] ?? value['callerImageUuid'] ?? null,
  };
}

const isText = (value: Json): boolean => value === null || typeof value === 'string';
const isCount = (value: Json): boolean => value === null || (typeof value === 'number' && value >= 0);
const isMap = (value: Json): boolean => value === null || isObject(value);

const fieldTypes: Readonly<Record<string, (value: Json) => boolean>> = {
  template: isText,
  icicle: isText,
  format: isText,
  sha256: isText,
  created: isText,
  modified: isText,
  base_image_id: isText,
  target_image_id: isText,
  identifier_on_provider: isText,
  provider_account_identifier: isText,
  size: isCount,
  percent_complete: isCount,
  revision: isCount,
  status_detail: isMap,
  parameters: isMap,
  properties: isMap,
  os: isMap,
};

/** The image of a record, as its manager hands it out. */
export function imageOf(record: ImageRecord, data: string): AnyImage {
  const image = build(record);
  takeOver(image, data, record.revision, record.modified);
  return image;
}

function build(record: ImageRecord): AnyImage {
  const fields = commonFields(record);
  switch (record.type) {
    case 'BaseImage':
      return new BaseImage(fields);
    case 'TargetImage':
      return new TargetImage({
        ...fields,
        target: textIn(record, 'target') ?? '',
        ...given('baseImageId', textIn(record, 'base_image_id')),
      });
    case 'ProviderImage':
      return new ProviderImage({
        ...fields,
        provider: textIn(record, 'provider') ?? '',
        ...given('targetImageId', textIn(record, 'target_image_id')),
        ...given('identifierOnProvider', textIn(record, 'identifier_on_provider')),
        ...given('providerAccountIdentifier', textIn(record, 'provider_account_identifier')),
      });
  }
}

function commonFields(record: ImageRecord): ImageFields {
  const { size, percent_complete: percent, parameters, properties } = record;
  return {
    identifier: record.identifier,
    status: record.status,
    created: record.created,
    modified: record.modified,
    statusDetail: statusDetailIn(record),
    percentComplete: typeof percent === 'number' ? percent : record.status === 'COMPLETE' ? 100 : 0,
    ...given('template', textIn(record, 'template')),
    ...given('icicle', textIn(record, 'icicle')),
    ...given('format', textIn(record, 'format')),
    ...given('sha256', textIn(record, 'sha256')),
    ...given('callerImageUuid', textIn(record, 'caller_image_uuid')),
    ...given('os', systemIn(record)),
    ...(typeof size === 'number' ? { size } : {}),
    ...(isObject(parameters) ? { parameters } : {}),
    ...(isObject(properties) ? { properties } : {}),
  };
}

function statusDetailIn(record: ImageRecord): StatusDetail {
  const detail = record['status_detail'];
  if (!isObject(detail)) return { activity: record.status === 'COMPLETE' ? 'complete' : 'unknown' };
  return { activity: textIn(detail, 'activity') ?? 'unknown', ...given('error', textIn(detail, 'error')) };
}

function systemIn(record: ImageRecord): GuestSystem | undefined {
  const { os } = record;
  if (!isObject(os)) return undefined;
  return {
    name: textIn(os, 'name') ?? '',
    version: textIn(os, 'version') ?? '',
    arch: textIn(os, 'arch') ?? '',
  };
}

function textIn(value: Readonly<Record<string, Json | undefined>>, name: string): string | undefined {
  const text = value[name];
  return typeof text === 'string' ? text : undefined;
}

function given<Name extends string, T>(name: Name, value: T | undefined): { readonly [N in Name]?: T } {
  if (value === undefined) return {};
  // A computed name gives an index signature, which says less than the name.
  return { [name]: value } as { readonly [N in Name]?: T };
}

function isType(type: string): type is keyof typeof kindOfType {
  return Object.hasOwn(kindOfType, type);
}

/** Only asked of what JSON.parse gave. */
function isObject(value: unknown): value is Readonly<Record<string, Json>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
