/** How far a target or provider image has come. */
export type Outcome =
  | { readonly status: 'RUNNING' }
  | { readonly status: 'COMPLETED' }
  | { readonly status: 'FAILED'; readonly type: string; readonly info: string };

/** A target image at a provider. */
export interface ProviderImageDocument {
  readonly id: string;
  readonly provider: string;
  readonly targetIdentifier?: string;
  readonly account?: string;
  /** Name of the object on the bus that shows how the push goes; absent for what was imported. */
  readonly adaptor?: string;
  readonly outcome: Outcome;
  /** When it failed, ISO 8601, UTC; absent for what has not, or did under a version that didn't note it. */
  readonly failed?: string;
  /** When it was deleted from the image directory, ISO 8601, UTC; absent while it is there, or for what was never there. */
  readonly deleted?: string;
}

export interface TargetImageDocument {
  readonly id: string;
  readonly target: string;
  /** Uuid of the template that it is made from; absent for what was imported. */
  readonly template?: string;
  /** Name of the object on the bus that shows how its build goes; absent for what was imported. */
  readonly adaptor?: string;
  readonly outcome: Outcome;
  /** When it failed, ISO 8601, UTC; absent for what has not, or did under a version that didn't note it. */
  readonly failed?: string;
  /** When it was deleted from the image directory, ISO 8601, UTC; absent while it is there, or for what was never there. */
  readonly deleted?: string;
  /** Set if another factory has made it: its record is the warehouse's. Written only. */
  readonly adopted?: true;
  readonly providerImages: readonly ProviderImageDocument[];
}

/** One go at building an image, for one target or several. */
export interface BuildDocument {
  readonly id: string;
  /** Uuid of the build that this one follows; absent for the first. */
  readonly parent?: string;
  /** ISO 8601, UTC. */
  readonly created: string;
  readonly targetImages: readonly TargetImageDocument[];
}

/** What is known of an image in the sense of 2012: a thing that has builds, each for some targets, each pushed to some providers. */
export interface ImageDocument {
  readonly id: string;
  /** `<image><name>…</name></image>` */
  readonly description: string;
  /** Uuid of the build that was pushed last. */
  readonly latestBuild?: string;
  /** Uuid of the latest build that was made and not pushed since. */
  readonly latestUnpushed?: string;
  /** The oldest first; at least one, as an image without builds is none. */
  readonly builds: readonly BuildDocument[];
}

export function buildIn(image: ImageDocument, id: string): BuildDocument | undefined {
  return image.builds.find(build => build.id === id);
}

/** The uuids of an image and of all that belongs to it. */
export function idsIn(image: ImageDocument): ReadonlySet<string> {
  const targets = image.builds.flatMap(({ targetImages }) => targetImages);
  const all = [
    image,
    ...image.builds,
    ...targets,
    ...targets.flatMap(({ providerImages }) => providerImages),
  ];
  return new Set(all.map(({ id }) => id));
}

/** Uuid of the template that the image was last built from. */
export function latestTemplate(image: ImageDocument): string | undefined {
  return image.builds
    .flatMap(({ targetImages }) => targetImages)
    .findLast(({ template }) => template !== undefined)?.template;
}

/** The document with one of its builds changed. */
export function withBuild(
  image: ImageDocument,
  id: string,
  change: (build: BuildDocument) => BuildDocument,
): ImageDocument {
  return { ...image, builds: image.builds.map(build => (build.id === id ? change(build) : build)) };
}

/** The document with its target images changed. */
export function withTargetImages(
  image: ImageDocument,
  change: (target: TargetImageDocument) => TargetImageDocument,
): ImageDocument {
  return {
    ...image,
    builds: image.builds.map(build => ({ ...build, targetImages: build.targetImages.map(change) })),
  };
}

/** The body of an image's record, as the original made it. */
export function imageDescription(name: string): string {
  if (name === '') return '<image/>';
  const escaped = name.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return `<image><name>${escaped}</name></image>`;
}
