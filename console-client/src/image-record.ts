import type { PlainMap } from '@imagefactory/qmf';
import { mapIn, mapsIn, optionalTextIn, textIn } from './answers.js';

/** How far a target or provider image has come. */
export type ImageOutcome =
  | { readonly status: 'RUNNING' }
  | { readonly status: 'COMPLETED' }
  | { readonly status: 'FAILED'; readonly type: string; readonly info: string };

/** A target image at a provider. */
export interface ProviderImageRecord {
  readonly id: string;
  readonly provider: string;
  /** What the provider calls it; absent as long as it isn't there. */
  readonly targetIdentifier?: string;
  /** Account at the provider that it belongs to, where it is known. */
  readonly account?: string;
  /** Name of the adaptor that shows the push; absent for what was imported. */
  readonly adaptor?: string;
  readonly outcome: ImageOutcome;
}

/** An image of a build for one target. */
export interface TargetImageRecord {
  readonly id: string;
  readonly target: string;
  /** Name of the adaptor that shows how it is built; absent for what was imported. */
  readonly adaptor?: string;
  readonly outcome: ImageOutcome;
  readonly providerImages: readonly ProviderImageRecord[];
}

/** One go at building an image, for one target or several. */
export interface BuildRecord {
  readonly id: string;
  /** Uuid of the build that this one follows; absent for the first. */
  readonly parent?: string;
  /** ISO 8601, UTC. */
  readonly created: string;
  readonly targetImages: readonly TargetImageRecord[];
}

/** What an agent has on record of an image: its builds, each for some targets, each of these pushed to some providers. */
export interface ImageRecord {
  readonly id: string;
  /** `<image><name>…</name></image>` */
  readonly description: string;
  /** Uuid of the build that was pushed last. */
  readonly latestBuild?: string;
  /** Uuid of the latest build that was made and not pushed since. */
  readonly latestUnpushed?: string;
  /** The oldest first. */
  readonly builds: readonly BuildRecord[];
}

/** @throws QmfError `malformed_message` naming what is not as it should be */
export function imageRecordFrom(map: PlainMap): ImageRecord {
  return {
    id: textIn(map, 'id'),
    description: textIn(map, 'description'),
    ...optionalTextIn(map, 'latestBuild'),
    ...optionalTextIn(map, 'latestUnpushed'),
    builds: mapsIn(map, 'builds').map(build => ({
      id: textIn(build, 'id'),
      ...optionalTextIn(build, 'parent'),
      created: textIn(build, 'created'),
      targetImages: mapsIn(build, 'targetImages').map(targetImageFrom),
    })),
  };
}

function targetImageFrom(map: PlainMap): TargetImageRecord {
  return {
    id: textIn(map, 'id'),
    target: textIn(map, 'target'),
    ...optionalTextIn(map, 'adaptor'),
    outcome: outcomeFrom(mapIn(map, 'outcome')),
    providerImages: mapsIn(map, 'providerImages').map(image => ({
      id: textIn(image, 'id'),
      provider: textIn(image, 'provider'),
      ...optionalTextIn(image, 'targetIdentifier'),
      ...optionalTextIn(image, 'account'),
      ...optionalTextIn(image, 'adaptor'),
      outcome: outcomeFrom(mapIn(image, 'outcome')),
    })),
  };
}

function outcomeFrom(map: PlainMap): ImageOutcome {
  const status = textIn(map, 'status');
  if (status === 'FAILED') return { status, type: textIn(map, 'type'), info: textIn(map, 'info') };
  return { status: status === 'COMPLETED' ? status : 'RUNNING' };
}

/** The build, target image and provider image of a record that a uuid means, as far as it goes down. */
export function partOf(
  { builds }: ImageRecord,
  id: string,
): {
  readonly build?: BuildRecord;
  readonly targetImage?: TargetImageRecord;
  readonly providerImage?: ProviderImageRecord;
} {
  for (const build of builds) {
    if (build.id === id) return { build };
    for (const targetImage of build.targetImages) {
      if (targetImage.id === id) return { build, targetImage };
      const providerImage = targetImage.providerImages.find(image => image.id === id);
      if (providerImage !== undefined) return { build, targetImage, providerImage };
    }
  }
  return {};
}
