import type { AnyImage } from '@imagefactory/factory/images';
import { describeSize, oneLine, safeLines } from './words.js';

/** An image for people: a line for each thing that is known of it, and its template as it was written. */
export function describeImage(image: AnyImage): string {
  const { os, size, statusDetail } = image;
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['image', image.identifier],
    ['kind', image.kind],
    ...kindRows(image),
    ['status', image.status],
    ['activity', statusDetail.activity],
    ['error', statusDetail.error],
    ['percent', image.status === 'COMPLETE' ? undefined : `${image.percentComplete}`],
    ['system', os === undefined ? undefined : `${os.name} ${os.version} on ${os.arch}`],
    ['format', image.format],
    ['size', size === undefined ? undefined : `${describeSize(size)} (${size} bytes)`],
    ['sha-256', image.sha256],
    ['body', size === undefined ? 'none' : image.data],
    ['created', image.created],
    ['saved', image.modified],
    ['image_uuid', image.callerImageUuid],
    ['parameters', jsonOf(image.parameters)],
    ['properties', jsonOf(image.properties)],
    ['packages', image.icicle === undefined ? undefined : `${image.icicle.match(/<package /g)?.length ?? 0}`],
  ];
  const facts = rows.flatMap(([label, value]) =>
    value === undefined || value === '' ? [] : [`${label.padEnd(12)}${oneLine(value)}`],
  );
  const template = image.template === undefined ? [] : ['template', ...safeLines(image.template)];
  return [...facts, ...template].map(line => `${line}\n`).join('');
}

function kindRows(image: AnyImage): readonly (readonly [string, string | undefined])[] {
  switch (image.kind) {
    case 'base':
      return [];
    case 'target':
      return [
        ['target', image.target],
        ['base image', image.baseImageId],
      ];
    case 'provider':
      return [
        ['provider', image.provider],
        ['target image', image.targetImageId],
        ['known as', image.identifierOnProvider],
        ['account', image.providerAccountIdentifier],
      ];
  }
}

function jsonOf(value: AnyImage['properties']): string | undefined {
  return Object.keys(value).length === 0 ? undefined : JSON.stringify(value);
}
