import { Enums, Models, Serialize, Spec } from '@cyclonedx/cyclonedx-library';
import type { InstalledPackage } from '@imagefactory/plugin-api';
import type { AnyImage } from '../persistent-image.js';
import { inOrder } from './icicle.js';

/** The packages of an image as a software bill of materials: CycloneDX 1.6 in JSON. */
export function cyclonedxOf(image: AnyImage, packages: readonly InstalledPackage[]): string {
  const { os } = image;
  const bom = new Models.Bom({ serialNumber: `urn:uuid:${image.identifier}` });
  bom.metadata.timestamp = new Date(image.created);
  bom.metadata.component = new Models.Component(
    Enums.ComponentType.OperatingSystem,
    os === undefined ? image.identifier : `${os.name} ${os.arch}`,
    {
      bomRef: image.identifier,
      ...(os === undefined ? {} : { version: os.version }),
      ...(image.sha256 === undefined
        ? {}
        : { hashes: new Models.HashDictionary([[Enums.HashAlgorithm['SHA-256'], image.sha256]]) }),
    },
  );
  const distro = os === undefined ? undefined : `${os.name.toLowerCase()}-${os.version}`;
  for (const each of inOrder(packages)) {
    const purl = packageUrl(each, distro);
    bom.components.add(
      new Models.Component(Enums.ComponentType.Library, each.name, {
        version: each.version,
        purl,
        bomRef: purl,
      }),
    );
  }
  const normalise = new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6);
  return `${new Serialize.JsonSerializer(normalise).serialize(bom, { space: 2, sortLists: true })}\n`;
}

/** As the specification of package URLs has it for Linux distributions. */
export function packageUrl(
  { name, version, arch, type, vendor }: InstalledPackage,
  distro: string | undefined,
): string {
  const path = [type, ...(vendor === undefined ? [] : [vendor]), name].map(encodeURIComponent).join('/');
  const qualifiers = [['arch', arch], ...(distro === undefined ? [] : [['distro', distro]])]
    .map(([key = '', value = '']) => `${key}=${encodeURIComponent(value)}`)
    .join('&');
  return `pkg:${path}@${encodeURIComponent(version)}?${qualifiers}`;
}
