import type { Template, TemplatePart } from '@imagefactory/plugin-api';

/** The less usual parts that a template has. */
export function partsOf({ os, packages, repositories }: Template): readonly TemplatePart[] {
  const iso = os?.install.type === 'iso' ? os.install : undefined;
  const has: Readonly<Record<TemplatePart, boolean>> = {
    'product-key': os?.productKey !== undefined,
    'icicle-command': os?.icicleCommand !== undefined,
    'iso-checksum': iso?.checksum !== undefined,
    'iso-extras': iso?.extras !== undefined,
    'package-source': packages.some(
      ({ repository, file, arguments: args }) => (repository ?? file ?? args) !== undefined,
    ),
    'verify-tls': repositories.some(({ verifyTls }) => verifyTls === true),
  };
  return allParts.filter(part => has[part]);
}

/** Where each part stands, in words. */
export const partNames: Readonly<Record<TemplatePart, string>> = {
  'product-key': '<key> in <os>',
  'icicle-command': '<icicle> in <os>',
  'iso-checksum': 'the checksum in <install>',
  'iso-extras': '<extras> in <install>',
  'package-source': '<repository>, <file> or <arguments> in <package>',
  'verify-tls': '<sslverify> in <repository>',
};

const allParts: readonly TemplatePart[] = [
  'product-key',
  'icicle-command',
  'iso-checksum',
  'iso-extras',
  'package-source',
  'verify-tls',
];
