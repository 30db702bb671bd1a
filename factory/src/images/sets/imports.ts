import { buildIn, type ImageDocument, type TargetImageDocument, withBuild } from './documents.js';

/** An image that a provider has, and the build that it is put into. */
export interface Imported {
  readonly build: string;
  readonly target: string;
  readonly provider: string;
  readonly targetIdentifier: string;
}

export interface ImportedIds {
  readonly targetImage: string;
  readonly providerImage: string;
}

/** The uuids under which an import is known in its build, or else the fresh ones. */
export function importedIds(image: ImageDocument, imported: Imported, fresh: ImportedIds): ImportedIds {
  const targetImage = targetIn(image, imported);
  const providerImage = targetImage?.providerImages.find(({ provider }) => provider === imported.provider);
  return {
    targetImage: targetImage?.id ?? fresh.targetImage,
    providerImage: providerImage?.id ?? fresh.providerImage,
  };
}

/** Notes an import in its build, which is there: it becomes the latest one, as what is imported is at a provider. */
export function withImported(image: ImageDocument, imported: Imported, ids: ImportedIds): ImageDocument {
  const { build, target, provider, targetIdentifier } = imported;
  const before = image.latestBuild ?? image.latestUnpushed;
  const targetImage = targetIn(image, imported);
  const providerImage = targetImage?.providerImages.find(({ id }) => id === ids.providerImage);
  const outcome = { status: 'COMPLETED' as const };
  const changed = withBuild(image, build, one => ({
    ...one,
    ...(before === undefined || before === build || one.parent !== undefined ? {} : { parent: before }),
    targetImages: [
      ...one.targetImages.filter(candidate => candidate !== targetImage),
      {
        id: ids.targetImage,
        target,
        outcome: targetImage?.outcome ?? outcome,
        providerImages: [
          ...(targetImage?.providerImages.filter(candidate => candidate !== providerImage) ?? []),
          { ...providerImage, id: ids.providerImage, provider, targetIdentifier, outcome },
        ],
      },
    ],
  }));
  return { ...changed, latestBuild: build };
}

function targetIn(image: ImageDocument, { build, target }: Imported): TargetImageDocument | undefined {
  return buildIn(image, build)?.targetImages.find(candidate => candidate.target === target);
}
